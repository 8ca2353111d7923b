import { hasProofOfWork } from "@fulmen/bitcoin/block";
import { type NetworkName, networks } from "@fulmen/bitcoin/network";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import {
  type BroadcastOutcome,
  type ChainClients,
  type ChainFollower,
  type ChainSource,
  ChainSourceError,
  type ChainTip,
  type FeerateTable,
} from "@fulmen/chain-sync";
import type { BlockLocator } from "@fulmen/lightning/chain";
import type { UtxoAnswer } from "@fulmen/lightning/gossip";
import {
  type BlockHeight,
  feeratePerKw,
  present,
  type ShortChannelId,
  shortChannelIdParts,
} from "@fulmen/lightning/util";
import type { ChainBlock, SimulatedChain } from "@fulmen/testkit/chain";
import type { ChainLie, ChainSourceMedium } from "@fulmen/testkit/conformance";
import { createFundedChain, type Faucet } from "@fulmen/testkit/wallet";

/** What a source can do wrong. */
export type Mistake =
  | "any-network"
  | "skips-a-block"
  | "awaits-between-listeners"
  | "does-not-pace"
  | "forgets-reorgs"
  | "children-first"
  | "believes-lies"
  | "finds-spent-outputs"
  | "works-when-stopped"
  | "tells-twice"
  | "accepts-all";

/** A medium whose source looks at the chain directly, and makes the mistake if there is one. */
export function doubleMedium(mistake?: Mistake): ChainSourceMedium {
  const { chain, faucet } = createFundedChain();
  const listeners = new Set<() => void>();
  const state: DoubleState = { chain, isCut: false, lie: undefined, listeners, mistake };
  return new DoubleMedium(state, faucet);
}

interface DoubleState {
  readonly chain: SimulatedChain;
  isCut: boolean;
  lie: ChainLie | undefined;
  readonly listeners: Set<() => void>;
  readonly mistake: Mistake | undefined;
}

class DoubleMedium implements ChainSourceMedium {
  readonly #state: DoubleState;
  readonly faucet: Faucet;

  constructor(state: DoubleState, faucet: Faucet) {
    this.#state = state;
    this.faucet = faucet;
  }

  get chain(): SimulatedChain {
    return this.#state.chain;
  }

  createSource(network: NetworkName = "regtest"): ChainSource {
    return new ChainSourceDouble(this.#state, network);
  }

  announce(): void {
    for (const listener of this.#state.listeners) listener();
  }

  async interrupt(): Promise<void> {
    this.#state.isCut = true;
  }

  async resume(): Promise<void> {
    this.#state.isCut = false;
  }

  lie(lie: ChainLie | undefined): void {
    this.#state.lie = lie;
  }

  async close(): Promise<void> {}
}

class ChainSourceDouble implements ChainSource {
  readonly name = "a double";
  readonly #state: DoubleState;
  readonly #network: NetworkName;
  #isStopped = false;
  #known: string | undefined;
  #wake: () => void = () => {};

  constructor(state: DoubleState, network: NetworkName) {
    this.#state = state;
    this.#network = network;
  }

  get #chain(): SimulatedChain {
    return this.#state.chain;
  }

  async start(): Promise<ChainTip> {
    if (this.#network !== "regtest" && this.#state.mistake !== "any-network")
      throw new ChainSourceError("wrong-network", "it is on regtest", "name regtest");
    return this.#tip();
  }

  async locate(height: BlockHeight): Promise<BlockLocator> {
    this.#mustAnswer();
    const block = this.#chain.blockAt(height);
    if (block === undefined) throw new ChainSourceError("unsupported", "no such block", "wait for it");
    const ancestors = Array.from({ length: Math.min(height, 12) }, (_, i) =>
      present(this.#chain.blockAt(height - 1 - i), "a block"),
    );
    return { hash: block.hash, height: block.height, ancestors: ancestors.map(({ hash }) => hash) };
  }

  async sync({ followers, mempool, paced }: ChainClients): Promise<ChainTip> {
    this.#mustAnswer();
    for (const follower of followers) {
      const { forkPoint, disconnected, connected } = this.#missing(follower);
      if (disconnected.length > 0 && this.#state.mistake !== "forgets-reorgs")
        for (const listener of follower.listeners) listener.blocksDisconnected(forkPoint);
      for (const [index, block] of connected.entries()) {
        if (this.#state.mistake === "skips-a-block" && index === 1) continue;
        await this.#tell(follower, block);
        if (this.#state.mistake === "does-not-pace") void paced?.();
        else await paced?.();
        this.#mustAnswer();
      }
    }
    const waiting = this.#chain.mempool.map((id) => present(this.#chain.transaction(id), "it").transaction);
    if (this.#state.mistake === "children-first") waiting.reverse();
    for (const listener of mempool) for (const each of waiting) listener.transactionSeen(each);
    this.#known = this.#chain.tip.hash;
    return this.#tip();
  }

  async changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#isStopped || this.#known !== this.#chain.tip.hash) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      signal.addEventListener("abort", () => resolve());
      this.#state.listeners.add(resolve);
    });
  }

  async feerates(): Promise<FeerateTable> {
    this.#mustAnswer();
    return { targets: [{ blocks: 6, feerate: feeratePerKw(1_000) }], minimum: feeratePerKw(250) };
  }

  async broadcast(transactions: readonly Transaction[]): Promise<BroadcastOutcome> {
    this.#mustAnswer();
    const [parent, child] = transactions;
    const isKnown = (each: Transaction): boolean => this.#chain.transaction(txid(each)) !== undefined;
    if (transactions.every(isKnown) || this.#state.mistake === "accepts-all") return { kind: "accepted" };
    if (parent !== undefined && child !== undefined) {
      const result = this.#chain.submitPackage(parent, child);
      return result.ok ? { kind: "accepted" } : { kind: "refused", reason: result.error.refusal.kind };
    }
    const result = this.#chain.submit(present(parent, "a transaction"));
    return result.ok ? { kind: "accepted" } : { kind: "refused", reason: result.error.kind };
  }

  async utxo(id: ShortChannelId): Promise<UtxoAnswer> {
    const { height, txIndex, outputIndex } = shortChannelIdParts(id);
    const id0 = this.#chain.blockAt(height)?.txids[txIndex];
    if (id0 === undefined) return { kind: "not-found" };
    const outPoint = { txid: id0, index: outputIndex };
    const keeps = this.#state.mistake === "finds-spent-outputs";
    const output = keeps ? this.#chain.output(outPoint) : this.#chain.coin(outPoint)?.output;
    return output === undefined ? { kind: "not-found" } : { kind: "found", ...output };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wake();
  }

  #missing(follower: ChainFollower) {
    const genesis = present(this.#chain.blockAt(0), "genesis");
    const from = follower.position() ?? { hash: genesis.hash, ancestors: [] };
    const update = this.#chain.blocksSince(from);
    if (this.#state.mistake !== "tells-twice" || update.connected.length > 0) return update;
    return { ...update, connected: [this.#chain.tip] };
  }

  async #tell(follower: ChainFollower, { block, height }: ChainBlock): Promise<void> {
    const { header, transactions } = this.#asTold(block);
    const placed = transactions.map((transaction, index) => ({ index, transaction }));
    for (const listener of follower.listeners) {
      listener.blockConnected(header, placed, height);
      if (this.#state.mistake === "awaits-between-listeners") await new Promise((r) => setImmediate(r));
    }
  }

  #asTold(block: ChainBlock["block"]): ChainBlock["block"] {
    const { lie, mistake } = this.#state;
    if (lie === undefined) return block;
    if (mistake !== "believes-lies") throw new ChainSourceError("invalid-chain", "a lie", "ask another one");
    if (lie === "false-transactions") return { ...block, transactions: block.transactions.slice(0, 1) };
    const previous = lie === "broken-chain" ? networks.mainnet.genesisHash : block.header.previous;
    for (let nonce = 0; ; nonce++) {
      const header = { ...block.header, previous, nonce };
      if (hasProofOfWork(header, networks.regtest) === (lie !== "no-work")) return { ...block, header };
    }
  }

  #tip(): ChainTip {
    return { hash: this.#chain.tip.hash, height: this.#chain.tip.height };
  }

  #mustAnswer(): void {
    if (this.#isStopped && this.#state.mistake !== "works-when-stopped")
      throw new ChainSourceError("stopped", "it is stopped", "make another one");
    if (this.#state.isCut) throw new ChainSourceError("unreachable", "nobody answers", "wait");
  }
}
