import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { equalBytes, type OutPoint, outPointKey } from "@fulmen/bitcoin/primitives";
import { p2wpkh } from "@fulmen/bitcoin/script";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { ChainUpdate, Refusal, SimulatedChain } from "@fulmen/testkit/chain";
import type { KvEntry, KvWrite, TransactionType } from "#src/chain/index";
import { ChainMonitor } from "#src/manager/chainMonitor";
import type { MonitorSignerProvider } from "#src/manager/chainMonitorEnvironment";
import { type Balance, claimableBalances } from "#src/onchain/balances";
import type { ChannelMonitor } from "#src/onchain/channelMonitor";
import { allPastHtlcs } from "#src/onchain/pastHtlcs";
import type { MonitorEvent } from "#src/onchain/watch";
import { restoreMonitors } from "#src/storage/v1/readMonitors";
import type { BlockHash, Txid } from "#src/util/ids";
import { type FeeratePerKw, feeratePerKw } from "#src/util/units";
import type { MonitoredParty } from "../monitoredPair.ts";
import { BumpWallet } from "./bumpWallet.ts";
import { type Delivery, deliver } from "./deliveries.ts";
import { walletSeeds } from "./fundedChannel.ts";
import { sweep } from "./sweep.ts";

type MonitorSigner = ReturnType<MonitorSignerProvider["deriveChannelSigner"]>;

/** When a party's process ends and begins again: never; after every block; or after each, before that was stored. */
export type Restarts = "never" | "stored" | "lost";

export interface EndingPartyOptions {
  readonly name: "us" | "them";
  readonly delivery: Delivery;
  readonly restarts: Restarts;
}

/** What less would be left of is dust. Only claims give so little. */
const leastToSweep = 500n;

/** Something that a party broadcast. */
export interface Offer {
  readonly transactions: readonly Transaction[];
  readonly type: TransactionType;
}

/** One end of a closing channel: its `ChainMonitor` with a store, a wallet, and its view of a simulated chain. */
export class EndingParty {
  readonly name: "us" | "them";
  readonly party: MonitoredParty;
  readonly chain: SimulatedChain;
  readonly wallet: BumpWallet;
  /** Where all that was handed over ends. */
  readonly walletScript: Uint8Array;
  readonly events: MonitorEvent[] = [];
  /** Whatever this party ever broadcast. */
  readonly offered = new Map<Txid, Transaction>();
  /** Broadcasts since the last block. */
  offers: Offer[] = [];
  /** Broadcasts that the mempool refused for a reason that is no good one. */
  readonly complaints: string[] = [];
  /** What this party's fee estimator says. */
  estimate: FeeratePerKw = feeratePerKw(1000);
  /** Whether the signer does not sign now: after the channel's end it may be out of reach in most blocks. */
  isSignerAway: () => boolean = () => false;
  chainMonitor: ChainMonitor;
  readonly #options: EndingPartyOptions;
  readonly #entries = new Map<string, Uint8Array>();
  readonly #sweeps: Transaction[] = [];
  readonly watched = new Map<string, Uint8Array>();
  #locator: ReturnType<SimulatedChain["locator"]>;
  #sequence = 0;
  #knownUpdates = Number.POSITIVE_INFINITY;
  #isBehind = false;

  constructor(party: MonitoredParty, chain: SimulatedChain, options: EndingPartyOptions) {
    this.name = options.name;
    this.party = party;
    this.chain = chain;
    this.#options = options;
    this.wallet = new BumpWallet(chain, this.#signer, walletSeeds[options.name]);
    this.walletScript = p2wpkh(new Uint8Array(20).fill(options.name === "us" ? 1 : 2));
    this.#locator = chain.locator();
    this.chainMonitor = this.#start();
  }

  get #signer(): MonitorSigner {
    const { signer } = this.party;
    return {
      point: (number) => signer.point(number),
      sign: (request) => (this.isSignerAway() ? undefined : signer.sign(request)),
      signSpend: (spend) => (this.isSignerAway() ? undefined : signer.signSpend(spend)),
    };
  }

  get monitor(): ChannelMonitor {
    return this.chainMonitor.monitor(this.party.channelId) ?? assert.fail("no monitor");
  }

  /** Where claims go. */
  get destination(): Uint8Array {
    return this.party.keysManager.destinationScript(new Uint8Array(32));
  }

  get balances(): readonly Balance[] {
    return claimableBalances(this.monitor, this.destination);
  }

  /** The records are old: they end with that update. */
  forgetsAfter(updates: number): void {
    this.#knownUpdates = updates;
  }

  isSweep(id: Txid): boolean {
    return this.#sweeps.some((transaction) => txid(transaction) === id);
  }

  /** Whether an output is a coin of the wallet for bumping. */
  isCoin(outPoint: OutPoint): boolean {
    const output = this.chain.output(outPoint);
    return output !== undefined && equalBytes(output.script, this.wallet.script);
  }

  /** Gives the monitor what the channel has told it since. */
  follow(): void {
    if (this.chainMonitor.latestUpdateId(this.party.channelId) === undefined) {
      this.#commit(this.chainMonitor.setupWrites(this.party.setup));
      this.chainMonitor.watchChannel(this.party.setup);
    }
    for (const update of this.party.updates.slice(this.monitor.latestUpdateId - 1, this.#knownUpdates)) {
      this.#commit(this.chainMonitor.updateWrites([update]));
      assert.equal(this.chainMonitor.updateChannel(update), "completed");
    }
    this.save();
  }

  /** Takes in what the chain has by now. */
  sync(): void {
    this.offers = [];
    const update = this.chain.blocksSince(this.#locator);
    if (this.#options.restarts === "lost") {
      this.#deliver(update);
      this.#restart();
    }
    this.#deliver(update);
    const height = this.chainMonitor.bestHeight;
    assert.equal(height, this.chain.tip.height);
    this.#locator = this.chain.locator();
    this.save();
    if (this.#options.restarts !== "stored") return;
    const before = withFlatPast(this.monitor);
    this.#restart();
    const after = withFlatPast(this.monitor);
    if (!isDeepStrictEqual(after, before)) assert.deepEqual(after, before);
    this.chainMonitor.rebroadcast();
    this.save();
  }

  /** Takes and commits what there is, and then does what follows from it. */
  save(): void {
    do {
      const events = this.chainMonitor.takeMonitorEvents();
      this.#sequence++;
      this.#commit(this.chainMonitor.takeWrites(this.#sequence));
      this.chainMonitor.committed(this.#sequence);
      for (const event of events) this.#take(event);
    } while (this.chainMonitor.hasWrites);
    for (const event of this.chainMonitor.takeBumpEvents()) {
      for (const { transactions, type } of this.wallet.answer(event)) this.#offer(transactions, type);
    }
    for (const transaction of this.#sweeps) {
      const isPossible = transaction.inputs.every(({ outPoint }) => this.chain.coin(outPoint) !== undefined);
      if (isPossible) this.#offer([transaction], "sweep");
    }
  }

  #take(event: MonitorEvent): void {
    this.events.push(event);
    if (event.kind !== "spendable-outputs") return;
    const worthIt = event.outputs.filter(({ output }) => output.value > leastToSweep);
    if (worthIt.length > 0) this.#sweeps.push(sweep(this.party, worthIt, this.walletScript));
  }

  #deliver(update: ChainUpdate): void {
    this.#isBehind = true;
    deliver(this, update, this.#options.delivery);
    this.#isBehind = false;
  }

  #start(): ChainMonitor {
    const entries = [...this.#entries].sort().map(([key, value]): KvEntry => ({ key, value }));
    const restored = restoreMonitors(entries);
    assert.ok(restored.ok);
    const environment = {
      signerProvider: { deriveChannelSigner: () => this.#signer, destinationScript: () => this.destination },
      broadcaster: {
        broadcastTransactions: (transactions: readonly Transaction[], type: TransactionType) =>
          this.#offer(transactions, type),
      },
      feeEstimator: { feerate: () => this.estimate },
      logger: { log: () => undefined },
      filter: {
        registerTransaction: () => undefined,
        registerOutput: (output: {
          readonly outPoint: Transaction["inputs"][0]["outPoint"];
          readonly script: Uint8Array;
        }) => this.watched.set(outPointKey(output.outPoint), output.script),
      },
    };
    return new ChainMonitor(environment, { bestHeight: this.#locator.height, monitors: restored.value });
  }

  #restart(): void {
    this.chainMonitor = this.#start();
    this.wallet.forget();
  }

  #commit(writes: readonly KvWrite[]): void {
    for (const { key, value } of writes) {
      if (value === undefined) this.#entries.delete(key);
      else this.#entries.set(key, value);
    }
  }

  #offer(transactions: readonly Transaction[], type: TransactionType): void {
    if (transactions.length === 0) return;
    this.offers.push({ transactions, type });
    for (const transaction of transactions) {
      if (type !== "sweep") this.#checkWatched(transaction);
      this.offered.set(txid(transaction), transaction);
    }
    const [first, second] = transactions;
    if (first === undefined) return;
    const result = second === undefined ? this.chain.submit(first) : this.chain.submitPackage(first, second);
    if (result.ok) return;
    const refusal = "refusal" in result.error ? result.error.refusal : result.error;
    if (!this.#isExpected(refusal, transactions)) {
      const text = JSON.stringify(refusal, (_, value) => (typeof value === "bigint" ? `${value}` : value));
      this.complaints.push(`${this.name}, ${type} at height ${this.chain.tip.height}: ${text}`);
    }
  }

  /** Nothing is spent that nobody would be seen to take. */
  #checkWatched({ inputs }: Transaction): void {
    const known = inputs.filter(({ outPoint }) => this.watched.has(outPointKey(outPoint)));
    for (const { outPoint } of known) {
      const output = this.chain.output(outPoint);
      const script = this.watched.get(outPointKey(outPoint));
      if (output && script) assert.ok(equalBytes(output.script, script), "another script is watched");
    }
  }

  /** Known already; taken by the other side; or, while blocks are being told of, of a chain that is no more. */
  #isExpected(refusal: Refusal, transactions: readonly Transaction[]): boolean {
    const inputs = transactions.flatMap((transaction) => transaction.inputs);
    switch (refusal.kind) {
      case "already-in-mempool":
      case "already-confirmed":
        return true;
      case "missing-inputs":
        return (
          this.#isBehind ||
          refusal.outPoints.every((outPoint) => {
            const spender = this.chain.outputSpentBy(outPoint);
            return spender?.block !== undefined && !this.#knows(spender.block.hash);
          })
        );
      case "replacement-fee-too-low":
      case "replacement-feerate-too-low":
      case "replacement-adds-unconfirmed":
        if (this.#isBehind && this.#options.restarts === "lost") return true;
        return inputs.some(({ outPoint }) => {
          const rival = this.chain.outputSpentBy(outPoint)?.transaction;
          if (rival === undefined) return false;
          return !this.offered.has(txid(rival)) || this.#isSwept(rival) || isSameClaim(rival, transactions);
        });
      case "non-final":
      case "sequence-locked":
        return this.#isBehind;
      default:
        return false;
    }
  }

  /** A reorganisation that is deeper than what counts as final may bring back a claim together with its sweep. */
  #isSwept(claim: Transaction): boolean {
    const id = txid(claim);
    return claim.outputs.some((_, index) => this.chain.outputSpentBy({ txid: id, index }) !== undefined);
  }

  #knows(hash: BlockHash): boolean {
    return this.#locator.hash === hash || this.#locator.ancestors.includes(hash);
  }
}

/** Whether a claim was there before but for its lock time, which a reorganisation takes back. */
function isSameClaim(rival: Transaction, [claim]: readonly Transaction[]): boolean {
  return claim !== undefined && isDeepStrictEqual(claim.outputs, rival.outputs);
}

/** How past HTLCs are grouped is the store's to choose. */
function withFlatPast({ past, ...monitor }: ChannelMonitor): unknown {
  const flat = allPastHtlcs(past);
  return { ...monitor, past: flat.toSorted((a, b) => a.left - b.left || Number(a.htlc.id - b.htlc.id)) };
}
