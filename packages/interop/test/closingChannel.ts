import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { fromHex, type OutPoint, outPointKey, type Sat, type Txid } from "@fulmen/bitcoin/primitives";
import { txid } from "@fulmen/bitcoin/transaction";
import type { KVStore } from "@fulmen/lightning/chain";
import type { UserConfig } from "@fulmen/lightning/channel";
import type { FormatName } from "@fulmen/lightning/commitment";
import type { Event } from "@fulmen/lightning/handlers";
import { claimableBalances, type FundingSpender } from "@fulmen/lightning/onchain";
import type { Bytes32, ChannelId } from "@fulmen/lightning/util";
import { MemoryStore } from "@fulmen/persist";
import { createFundedChain, type SimulatedChain } from "@fulmen/testkit";
import {
  anHourAgo,
  type LdkOptions,
  LdkPeer,
  type LdkSavedState,
  ldkOptions,
  OurNode,
  SharedChain,
  testConfig,
} from "#src/index";
import { type Ledger, ledgerOf } from "./onChainLedger.ts";
import { bothSides, openChannel, type Side, settled, startOurPair, startPayment } from "./ourPair.ts";
import { isLate } from "./refusals.ts";

/** Satoshis in the channel, and of them those of the side that did not open it. */
const capacity = 1_000_000n;
const pushed = 400_000n;

/** Where LDK sweeps to. */
const ldkSweepScript = `0014${"22".repeat(20)}`;

/** An HTLC that is on the commitments of both sides and that its recipient holds. */
export interface HeldHtlc {
  readonly payer: Side;
  /** Tells it apart from all others of the channel. */
  readonly sats: bigint;
  readonly paymentHash: string;
  readonly preimage: string;
}

export interface ClosingTerms {
  readonly format: FormatName;
  readonly opener: Side;
  /** Blocks that LDK has to wait for what is its own on its commitment: 144 when not given. */
  readonly ldkDelay?: number;
}

type EventKind = Event["kind"];

function configOf({ ldkDelay = 144 }: ClosingTerms): Partial<UserConfig> {
  const { channelHandshakeConfig } = testConfig;
  return { channelHandshakeConfig: { ...channelHandshakeConfig, ourToSelfDelay: ldkDelay } };
}

function ldkTerms(format: FormatName): Partial<LdkOptions> {
  return { anchors: format === "anchors-zero-fee-htlc", maxDustExposureMsat: 50_000_000, announce: false };
}

/** Confirmed coins, each in a block of its own. */
async function giveCoins(chain: SharedChain, script: Uint8Array, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    chain.broadcaster.broadcastTransactions([chain.fund({ value: 50_000n as Sat, script })], "funding");
    await chain.mine();
  }
}

/** A channel between our node and LDK that ends on the chain. Our node may die and come back meanwhile. */
export class ClosingChannel {
  readonly chain: SharedChain;
  readonly terms: ClosingTerms;
  readonly channelId: ChannelId;
  readonly funding: OutPoint;
  us: OurNode;
  ldk: LdkPeer;
  readonly #test: TestContext;
  readonly #simulated: SimulatedChain;
  #store: KVStore;
  readonly #ldkScripts: readonly Uint8Array[];
  #onChainFeerate = 253;
  /** Told by nodes of ours that are gone. */
  #past: readonly Event[] = [];

  /** Opens it, and gives both wallets coins. */
  static async open(t: TestContext, terms: ClosingTerms): Promise<ClosingChannel> {
    const { format, opener } = terms;
    const store = new MemoryStore();
    const funded = createFundedChain({ clock: anHourAgo });
    const chain = new SharedChain(funded);
    const { us, ldk } = await startOurPair(t, {
      chain,
      us: { store, answer: "hold", config: configOf(terms) },
      ldk: ldkTerms(format),
      expectsComplaints: true,
    });
    await ldk.cmd("behave", { claim: "manual" });
    const { walletScript } = await ldk.cmd("info");
    await giveCoins(chain, us.wallet.script, 4);
    await giveCoins(chain, fromHex(walletScript), 4);
    const channel = await openChannel(
      { us, ldk, chain },
      { opener, format, sats: capacity, pushMsat: pushed * 1_000n },
    );
    const { funding, channelId } = channel;
    const closing = new ClosingChannel({
      test: t,
      us,
      ldk,
      chain,
      simulated: funded.chain,
      terms,
      channelId,
      funding,
      store,
      walletScript,
    });
    t.after(() => closing.us.discard());
    return closing;
  }

  private constructor(
    parts: Pick<ClosingChannel, "us" | "ldk" | "chain" | "terms" | "channelId" | "funding"> & {
      readonly test: TestContext;
      readonly store: KVStore;
      readonly walletScript: string;
      readonly simulated: SimulatedChain;
    },
  ) {
    this.us = parts.us;
    this.ldk = parts.ldk;
    this.chain = parts.chain;
    this.terms = parts.terms;
    this.channelId = parts.channelId;
    this.funding = parts.funding;
    this.#test = parts.test;
    this.#simulated = parts.simulated;
    this.#store = parts.store;
    const { funding } = this;
    this.chain.expectsRefusal = ({ transaction, refusal }, by) => {
      const isCommitment = transaction.inputs.some(
        ({ outPoint }) => outPointKey(outPoint) === outPointKey(funding),
      );
      const isTooCheap = refusal.kind === "min-fee-not-met";
      // LDK asks again for what it has sent, and does not look whether somebody was faster.
      if (by === "ldk") return isLate(refusal) || (isCommitment && isTooCheap);
      // We answer LDK's commitment with ours as long as no block has it; and ours may need its child.
      return isCommitment && (isLate(refusal) || (isTooCheap && this.#onChainFeerate > 253));
    };
    this.#ldkScripts = [fromHex(parts.walletScript), fromHex(ldkSweepScript)];
  }

  /** Sends a payment that its recipient holds. */
  async hold(payer: Side, sats: bigint): Promise<HeldHtlc> {
    const { us, ldk } = this;
    const paymentHash = await startPayment({ us, ldk, chain: this.chain, ldkPort: 0 }, payer, sats * 1_000n);
    if (payer === "us") {
      const { preimage } = await ldk.waitFor(
        "payment-claimable",
        (event) => event.paymentHash === paymentHash,
      );
      assert.ok(preimage);
      return { payer, sats, paymentHash, preimage };
    }
    const { purpose } = await us.waitFor("payment-claimable", (event) => event.paymentHash === paymentHash);
    assert.ok(purpose.paymentPreimage);
    const preimage = Buffer.from(purpose.paymentPreimage).toString("hex");
    return { payer, sats, paymentHash, preimage };
  }

  /** The recipient claims it. */
  async claim({ payer, preimage }: HeldHtlc): Promise<void> {
    if (payer === "us") await this.ldk.cmd("claim", { preimage });
    else assert.ok(this.us.act((manager) => manager.claimFunds(fromHex(preimage) as Bytes32)));
    await this.rest();
  }

  /** The mempool takes nothing any more below three quarters of `feeratePerKw`, which both nodes know. */
  async raiseFees(feeratePerKw: number): Promise<void> {
    this.#onChainFeerate = feeratePerKw;
    this.us.onChainFeerate = feeratePerKw;
    await this.ldk.cmd("behave", { feeratePerKw });
    this.#simulated.raiseMempoolMinimum(BigInt(feeratePerKw * 3));
  }

  /** LDK's commitment is confirmed, whatever that is. */
  async broadcastByLdk(): Promise<void> {
    const { channelId } = this;
    // Connected, LDK sends an error, and our commitment could be first.
    await this.ldk.cmd("disconnect", {});
    await this.ldk.cmd("forceClose", { channelId });
    await this.until("commitment in the mempool", () => this.chain.chain.outputSpentBy(this.funding));
    await this.mine();
  }

  /** What our node makes of the transaction that spent the funding output. */
  get spender(): FundingSpender["kind"] | undefined {
    return this.us.chainMonitor.monitor(this.channelId)?.chain.fundingSpend?.spender.kind;
  }

  /** The commitment of `by` is confirmed, whatever the other side does about it. */
  async forceClose(by: Side): Promise<void> {
    if (by === "ldk") {
      await this.broadcastByLdk();
      assert.equal(this.spender, "counterparty-commitment");
      return;
    }
    this.us.act((manager) => manager.forceCloseBroadcastingLatestTxn(this.channelId, "the test asks for it"));
    await this.until("commitment in the mempool", () => this.chain.chain.outputSpentBy(this.funding));
    await this.mine();
    assert.equal(this.spender, "holder-commitment");
  }

  /** Mines blocks one by one; before each, both nodes have done what they do about the one before. */
  async mine(count = 1): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.rest();
      await this.chain.mine();
    }
    await this.rest();
  }

  /** The last blocks give way to others. */
  async reorg(depth: number): Promise<void> {
    await this.rest();
    await this.chain.reorg(depth);
    await this.rest();
  }

  /** Mines until there is something; fails after `most` blocks. */
  async mineUntil(what: string, most: number, look: () => unknown): Promise<void> {
    for (let i = 0; i < most; i++) {
      if (look()) return;
      await this.mine();
    }
    assert.ok(look(), `no ${what} within ${most} blocks`);
  }

  /** Lets both do what they have to do, and puts into the mempool what they broadcast. */
  async rest(): Promise<void> {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
    await this.ldk.cmd("peers");
    this.chain.collect();
  }

  async until<T>(what: string, look: () => T | undefined): Promise<T> {
    for (const deadline = performance.now() + 10_000; ; ) {
      await this.rest();
      const found = look();
      if (found !== undefined) return found;
      assert.ok(performance.now() < deadline, `no ${what}; our log:\n${this.us.log.slice(-20).join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** LDK ends, and comes back from an older state of its own, with a new coin. It is not connected. */
  async restartLdk(load: LdkSavedState): Promise<void> {
    await this.ldk.stop();
    const cheat = await LdkPeer.start("cheat", ldkOptions(7, { ...ldkTerms(this.terms.format), load }));
    this.#test.after(() => cheat.stop());
    await cheat.cmd("behave", { claim: "manual" });
    await this.chain.replacePeer(this.ldk, cheat);
    this.ldk = cheat;
    await giveCoins(this.chain, fromHex((await cheat.cmd("info")).walletScript), 1);
  }

  /** Our node dies, `meanwhile` happens, and it comes back from its store. */
  async restartUs(meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    const { name, events } = this.us;
    await this.us.discard();
    this.#past = [...this.#past, ...events];
    await meanwhile();
    this.us = await OurNode.start({
      name: `${name} again`,
      seedByte: 9,
      chain: this.chain,
      store: this.#store,
      answer: "hold",
      config: configOf(this.terms),
    });
    this.us.onChainFeerate = this.#onChainFeerate;
    await this.rest();
    // Going through the blocks that it missed, it claims what later ones show to be taken.
    for (const { refusal } of this.chain.broadcaster.takeRefused()) assert.ok(isLate(refusal));
  }

  /** What our store has now. */
  async backUp(): Promise<KVStore> {
    const copy = new MemoryStore();
    await copy.commit(await this.#store.scan("", undefined, 100_000));
    return copy;
  }

  /** Our node dies, and comes back from an older store. What it told before is forgotten. */
  async restoreUs(old: KVStore): Promise<void> {
    this.#store = old;
    await this.restartUs();
    this.#past = [];
  }

  /** We connect to LDK. */
  async connect(): Promise<void> {
    const { port } = await this.ldk.cmd("listen");
    await this.us.connect(port, this.ldk.nodeId);
  }

  /** Whether our user was told of it, before restarts or after. */
  ourEvents(kind: EventKind, paymentHash?: string): readonly Event[] {
    return [...this.#past, ...this.us.events].filter(
      (event) =>
        event.kind === kind &&
        (paymentHash === undefined || ("paymentHash" in event && event.paymentHash === paymentHash)),
    );
  }

  /** Whether LDK's user was told of it. */
  ldkEvents(type: "payment-sent" | "payment-failed" | "spendable-outputs", paymentHash?: string) {
    return this.ldk.events.filter(
      (event) =>
        event.type === type &&
        (paymentHash === undefined || ("paymentHash" in event && event.paymentHash === paymentHash)),
    );
  }

  /** Both have taken all HTLCs off their commitments. */
  settled(): Promise<void> {
    return settled(this);
  }

  /** LDK cannot be reached any more. */
  async part(): Promise<void> {
    await this.ldk.cmd("disconnect", {});
    await this.us.until("end of the connection", () => this.us.peers.listPeers().length === 0);
  }

  /** The expiry of the only HTLC. */
  get expiry(): number {
    const [row, ...others] = this.us.chainMonitor.monitor(this.channelId)?.rows ?? [];
    assert.ok(row !== undefined && others.length === 0);
    return row.htlc.cltvExpiry;
  }

  /** Height of the block with what spent the funding output. */
  get closingHeight(): number | undefined {
    return this.chain.chain.outputSpentBy(this.funding)?.block?.height;
  }

  /** Id of what spent the funding output. */
  get closingTxid(): Txid {
    return this.#commitment().id;
  }

  /** The output of an HTLC on the commitment that was broadcast, told by its value. */
  htlcOutput({ sats }: HeldHtlc): OutPoint {
    const { id, outputs } = this.#commitment();
    const index = outputs.findIndex(({ value }) => value === sats);
    assert.ok(index >= 0, `an output of ${sats} sat`);
    return { txid: id, index };
  }

  /** Whether a block has what spends the HTLC's output. */
  isTaken(htlc: HeldHtlc): boolean {
    return this.chain.chain.outputSpentBy(this.htlcOutput(htlc))?.block !== undefined;
  }

  #commitment() {
    const found = this.chain.chain.outputSpentBy(this.funding);
    assert.ok(found);
    return { id: txid(found.transaction), ...found.transaction };
  }

  /**
   * LDK sweeps what it has, as our node does by itself, and then every satoshi is counted: each side has what it had,
   * what it `gained` and nothing else, less the fees that it paid; the opener pays `closingFee` too. `trimmed` HTLCs
   * were lost to that.
   */
  async checkLedger(of: {
    readonly gained: Readonly<Record<Side, bigint>>;
    readonly closingFee: bigint;
    readonly trimmed?: bigint;
  }): Promise<Ledger> {
    const { chain, funding, terms } = this;
    if (this.ldkEvents("spendable-outputs").length > 0)
      await this.ldk.cmd("sweep", { script: ldkSweepScript, feeratePerKw: this.#onChainFeerate });
    await this.mine(6);
    const ours = this.us.wallet.script;
    const ledger = ledgerOf(chain.chain, funding, { us: [ours], ldk: this.#ldkScripts });
    const { gained, closingFee, trimmed = 0n } = of;
    assert.equal(ledger.closingFee, closingFee + trimmed, "fee of the commitment");
    const isAnchors = terms.format === "anchors-zero-fee-htlc";
    let left = isAnchors ? 660n : 0n;
    for (const side of bothSides) {
      const values = ledger.outputs.filter(({ owner }) => owner === side).map(({ value }) => value);
      // Both anchors come from the opener's balance; whoever spends his has it.
      const anchor = isAnchors && values.includes(330n) ? 330n : 0n;
      const openingCosts = side === terms.opener ? closingFee + (isAnchors ? 660n : 0n) : 0n;
      const due = this.#balance(side) + gained[side] + anchor - openingCosts;
      assert.equal(
        values.reduce((sum, value) => sum + value, 0n),
        due,
        `what ${side} got of the commitment`,
      );
      assert.equal(ledger[side].received, due - ledger[side].fees, `what ${side} has`);
      left -= anchor;
    }
    assert.equal(ledger.left, left, "anchors that were left");
    const monitor = this.us.chainMonitor.monitor(this.channelId);
    assert.ok(monitor);
    const destination = this.us.keys.destinationScript(monitor.setup.channelKeysId);
    assert.deepEqual(claimableBalances(monitor, destination), []);
    return ledger;
  }

  /** What is a side's before any payment. */
  #balance(side: Side): bigint {
    return side === this.terms.opener ? capacity - pushed : pushed;
  }
}
