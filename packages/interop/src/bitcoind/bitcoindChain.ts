import { type Block, decodeBlock, encodeBlock } from "@fulmen/bitcoin/block";
import { fromHex, type Sat, type Txid, toHex } from "@fulmen/bitcoin/primitives";
import {
  decodeTransaction,
  encodeTransaction,
  type Transaction,
  txid,
  vsize,
  wtxid,
} from "@fulmen/bitcoin/transaction";
import { ok, present, type Result } from "@fulmen/lightning/util";
import {
  type Accepted,
  BlockRefusedError,
  type ChainBlock,
  type ChainUpdate,
  Mempool,
  type MempoolEntry,
  MempoolGraph,
  type MineOptions,
  type PackageRefusal,
  type Refusal,
  type ReorgOptions,
  TestChain,
  type TestChainOptions,
} from "@fulmen/testkit";
import type { MempoolEntryInfo } from "./bitcoindCalls.ts";
import type { BlockingBitcoind } from "./blockingBitcoind.ts";
import { nodePolicy } from "./nodePolicy.ts";
import { meansTheSame } from "./rejectReasons.ts";
import { RpcError } from "./rpcClient.ts";

export interface BitcoindChainOptions extends TestChainOptions {
  /** Whether it is known that Bitcoin Core takes what our rules refuse for this; by default nothing is. */
  readonly tolerates?: (refusal: Refusal) => boolean;
  /** Whether refusals must have the same reason. What is wrong in several ways may be refused for any. Default true. */
  readonly comparesReasons?: boolean;
}

/** Bitcoin Core and our rules judge the same thing differently: one of the two is wrong, or of another version. */
class DisagreementError extends Error {
  override readonly name = "DisagreementError";
}

const noLimit = 0;
const allBitcoins = 21_000_000;

/**
 * The chain and the mempool of a Bitcoin Core, for tests written for the simulated one. Core's verdicts count. What our
 * rules say of the same transaction, in the same chain and mempool, must be the same, reasons included unless they are
 * left out, and every block must be valid to both, so that whatever runs on this chain compares the two.
 */
export class BitcoindChain extends TestChain {
  protected readonly graph = new MempoolGraph();
  readonly #node: BlockingBitcoind;
  readonly #tolerates: (refusal: Refusal) => boolean;
  readonly #comparesReasons: boolean;

  /** `node` is new: it has no block but genesis. */
  constructor(node: BlockingBitcoind, options: BitcoindChainOptions = {}) {
    super(options);
    this.#node = node;
    this.#tolerates = options.tolerates ?? (() => false);
    this.#comparesReasons = options.comparesReasons ?? true;
  }

  submit(transaction: Transaction): Result<Accepted, Refusal> {
    const ours = this.#rules().submit(transaction);
    // Core is content with what it has already: there is nothing to compare.
    if (!ours.ok && ours.error.kind === "already-in-mempool") return ours;
    const reasons = this.#send(transaction);
    const taken = this.#followMempool([transaction]);
    if (ours.ok) return this.#agreed(ours.value, taken, reasons);
    if (reasons.length === 0 && this.#tolerates(ours.error)) return ok(taken);
    this.#mustMean(reasons, ours.error);
    return ours;
  }

  submitPackage(parent: Transaction, child: Transaction): Result<Accepted, PackageRefusal> {
    const ours = this.#rules().submitPackage(parent, child);
    if (!ours.ok && ours.error.refusal.kind === "already-in-mempool") return ours;
    const reasons = this.#sendPackage(parent, child);
    const taken = this.#followMempool([parent, child]);
    if (ours.ok) return this.#agreed(ours.value, taken, reasons);
    if (reasons.length === 0 && this.#tolerates(ours.error.refusal)) return ok(taken);
    this.#mustMean(reasons, ours.error.refusal);
    return ours;
  }

  /** Core chooses the contents where there is something to choose and the options do not. */
  protected mineBlock(options: MineOptions): ChainBlock {
    const { payTo = this.payTo, ...choice } = options;
    this.#node.call("setmocktime", this.nextTime());
    const isChosen = this.graph.size === 0 || Object.values(choice).some((value) => value !== undefined);
    const block = isChosen ? this.#mineOurs(options) : this.#mineCores(payTo);
    const connected = this.#connect(block);
    this.#followMempool();
    return connected;
  }

  /** The branch is built beside the chain, and Core goes over to it by itself when it is longer. */
  reorg(depth: number, options: ReorgOptions = {}): ChainUpdate {
    const { length = depth + 1, only = [], ...mining } = options;
    if (length <= depth) throw new RangeError("nodes go over to a branch only when it is longer");
    const before = this.locator();
    const waiting = this.#disconnect(depth);
    for (let i = 0; i < length; i++) {
      const block = this.assemble(
        i === 0 ? { ...mining, only } : { ...mining, transactions: [], only: [] },
        waiting,
      );
      this.#node.call("setmocktime", block.header.time);
      const answer = this.#node.call("submitblock", toHex(encodeBlock(block)));
      if (answer !== null && answer !== "inconclusive") this.#blockRefused(block, answer);
      this.#connect(block);
    }
    const best = this.#node.call("getbestblockhash");
    if (best !== this.tip.hash) throw new DisagreementError(`Bitcoin Core stays at ${best}`);
    this.#followMempool();
    return this.blocksSince(before);
  }

  /** Takes over what others than this chain did to the mempool. */
  followMempool(): void {
    this.#followMempool();
  }

  /** Ends the node; the chain cannot be used any more. */
  stop(): void {
    this.#node.stop();
  }

  /** Our rules over a copy of the mempool, so that asking them changes nothing. */
  #rules(): Mempool {
    return new Mempool(this.state, nodePolicy, this.graph.changed([], new Set()));
  }

  /** Gives what Core says against it; nothing when it took it. */
  #send(transaction: Transaction): readonly string[] {
    return this.#refusalOf(() => {
      this.#node.call("sendrawtransaction", hexOf(transaction), noLimit, allBitcoins);
      return [];
    });
  }

  #sendPackage(parent: Transaction, child: Transaction): readonly string[] {
    // To Core a parent that is confirmed is no part of a package.
    if (this.confirmations(txid(parent)) > 0) return this.#send(child);
    return this.#refusalOf(() => {
      const result = this.#node.call("submitpackage", [hexOf(parent), hexOf(child)], noLimit, allBitcoins);
      if (result.package_msg === "success") return [];
      const errors = Object.values(result["tx-results"]).flatMap(({ error }) => (error ? [error] : []));
      return [result.package_msg, ...errors];
    });
  }

  #refusalOf(offer: () => readonly string[]): readonly string[] {
    try {
      return offer();
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      return [error.message];
    }
  }

  #agreed(ours: Accepted, taken: Accepted, reasons: readonly string[]): Result<Accepted, never> {
    if (reasons.length > 0) {
      throw new DisagreementError(
        `only Bitcoin Core refuses ${ours.txids.join(", ")}: ${reasons.join("; ")}`,
      );
    }
    const replaced = new Set(taken.replaced);
    if (ours.replaced.length !== replaced.size || !ours.replaced.every((each) => replaced.has(each))) {
      throw new DisagreementError(
        `we replace ${ours.replaced.join()}, Bitcoin Core ${taken.replaced.join()}`,
      );
    }
    return ok(ours);
  }

  #mustMean(reasons: readonly string[], ours: Refusal): void {
    if (this.#comparesReasons ? meansTheSame(reasons, ours) : reasons.length > 0) return;
    const theirs = reasons.length === 0 ? "takes it" : `refuses it for ${reasons.join("; ")}`;
    throw new DisagreementError(`we refuse it for ${ours.kind}, Bitcoin Core ${theirs}`);
  }

  #mineCores(payTo: Uint8Array): Block {
    const [hash] = this.#node.call("generatetodescriptor", 1, `raw(${toHex(payTo)})`);
    return decodeBlock(fromHex(this.#node.call("getblock", present(hash, "the mined block"), 0)));
  }

  #mineOurs(options: MineOptions): Block {
    const block = this.assemble(options, this.graph);
    const answer = this.#node.call("submitblock", toHex(encodeBlock(block)));
    if (answer !== null) this.#blockRefused(block, answer);
    return block;
  }

  #connect(block: Block): ChainBlock {
    const connected = this.state.connect(block, () => false);
    if (connected.ok) return connected.value;
    throw new DisagreementError(`we refuse a block for ${connected.error.kind} that Bitcoin Core takes`);
  }

  #blockRefused(block: Block, reason: string): never {
    const ours = this.state.connect(block, () => false);
    if (!ours.ok) throw new BlockRefusedError(ours.error);
    throw new DisagreementError(`Bitcoin Core refuses a block for ${reason} that we take`);
  }

  /** Gives what waits when the last `depth` blocks are gone: their transactions, and what is in the mempool. */
  #disconnect(depth: number): MempoolGraph {
    const abandoned: MempoolEntry[] = [];
    for (let i = 0; i < depth; i++) {
      const fees = this.tip.txids.map((each) => this.feeOf(each) ?? (0n as Sat));
      const { block } = this.state.disconnect();
      const entries = block.transactions.map((tx, index) => entryOf(tx, present(fees[index], "a fee")));
      abandoned.unshift(...entries.slice(1));
    }
    const waiting = new MempoolGraph();
    for (const entry of [...abandoned, ...this.graph.entries()]) waiting.add(entry);
    return waiting;
  }

  /** Makes our picture of Core's mempool right; gives what changed. What is new and not in `sent` is asked for. */
  #followMempool(sent: readonly Transaction[] = []): Accepted {
    const now = this.#node.call("getrawmempool", true);
    const gone = this.graph.entries().filter((entry) => now[entry.txid] === undefined);
    for (const entry of gone) this.graph.remove(entry);
    const txids = parentsFirst(now).filter((each) => this.graph.entry(each) === undefined);
    for (const id of txids) {
      const info = present(now[id], "the entry");
      const known = sent.find((tx) => wtxid(tx) === info.wtxid);
      const transaction = known ?? decodeTransaction(fromHex(this.#node.call("getrawtransaction", id)));
      this.graph.add(entryOf(transaction, BigInt(Math.round(info.fees.base * 1e8)) as Sat));
    }
    return { txids, replaced: gone.map((entry) => entry.txid) };
  }
}

function entryOf(transaction: Transaction, fee: Sat): MempoolEntry {
  return { transaction, txid: txid(transaction), wtxid: wtxid(transaction), fee, vsize: vsize(transaction) };
}

function parentsFirst(mempool: Readonly<Record<string, MempoolEntryInfo>>): readonly Txid[] {
  const ordered = new Set<Txid>();
  const visit = (id: string): void => {
    for (const parent of mempool[id]?.depends ?? []) if (!ordered.has(parent as Txid)) visit(parent);
    ordered.add(id as Txid);
  };
  for (const id of Object.keys(mempool)) visit(id);
  return [...ordered];
}

function hexOf(transaction: Transaction): string {
  return toHex(encodeTransaction(transaction));
}
