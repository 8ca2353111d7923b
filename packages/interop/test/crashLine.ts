import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { FormatName } from "@fulmen/lightning/commitment";
import type { Event } from "@fulmen/lightning/handlers";
import { ApiError } from "@fulmen/lightning/manager";
import { type ChannelId, msat } from "@fulmen/lightning/util";
import { MemoryStore } from "@fulmen/persist";
import { type LdkPeer, OurNode } from "#src/index";
import { CrashingStore, type CrashPoint } from "./crashingStore.ts";
import {
  bothUsable,
  channelOf,
  checkBalances,
  complaintsOf,
  type OurPair,
  openChannel,
  type Side,
  startOurPair,
} from "./ourPair.ts";

export type Outcome = "fulfilled" | "refused";

const amount = 4_000_000n;

/** A channel with LDK whose node of ours is thrown away again and again, and made anew from its store. */
export class CrashLine {
  readonly #pair: Omit<OurPair, "us">;
  readonly #memory: MemoryStore;
  readonly #channelId: ChannelId;
  #us: OurNode;
  #store: CrashingStore;
  /** Of this payment, told by nodes that are gone. */
  #past: readonly Event[] = [];
  #ours = 500_000_000n;

  static async open(t: TestContext, opener: Side, format: FormatName): Promise<CrashLine> {
    const memory = new MemoryStore();
    const store = new CrashingStore(memory);
    const { us, ...pair } = await startOurPair(t, { us: { store }, expectsComplaints: true });
    const terms = { opener, format, sats: 1_000_000n, pushMsat: 500_000_000n };
    const { channelId } = await openChannel({ us, ...pair }, terms);
    const line = new CrashLine(pair, memory, channelId, { us, store });
    t.after(() => line.#us.stop());
    return line;
  }

  private constructor(
    pair: Omit<OurPair, "us">,
    memory: MemoryStore,
    channelId: ChannelId,
    first: { readonly us: OurNode; readonly store: CrashingStore },
  ) {
    this.#pair = pair;
    this.#memory = memory;
    this.#channelId = channelId;
    this.#us = first.us;
    this.#store = first.store;
  }

  async answer(outcome: Outcome): Promise<void> {
    this.#us.answer = outcome === "fulfilled" ? "claim" : "refuse";
    await this.#pair.ldk.cmd("behave", { claim: outcome === "fulfilled" ? "auto" : "manual" });
  }

  /** A payment with a crash at `point`; `false` when it was over before. */
  async payWithCrash(point: CrashPoint, payer: Side, outcome: Outcome): Promise<boolean> {
    const { ldk } = this.#pair;
    const { invoice, paymentHash } = await this.#invoice(payer);
    const ldkSince = ldk.eventCount;
    const ourSince = this.#us.eventCount;
    this.#store.arm(point);
    if (payer === "us") this.#pay(invoice);
    else await ldk.cmd("pay", { invoice });
    let crashes = 0;
    let refused = false;
    for (const deadline = performance.now() + 15_000; ; ) {
      if (this.#us.status.kind === "failed") {
        crashes++;
        this.#past = this.#us.events.slice(ourSince);
        await this.#restart();
        // Who does not know whether a payment was begun begins it again.
        if (payer === "us") this.#pay(invoice);
      }
      const theirs = ldk.events.slice(ldkSince);
      if (outcome === "refused" && !refused && theirs.some(({ type }) => type === "payment-claimable")) {
        await ldk.cmd("fail", { paymentHash });
        refused = true;
      }
      const events = crashes > 0 ? [...this.#past, ...this.#us.events] : this.#us.events.slice(ourSince);
      const ends = payer === "us" ? ourEnds(events, paymentHash) : theirEnds(theirs, paymentHash);
      if (ends.length > 0 && (await this.#isQuiet())) {
        assert.deepEqual([...new Set(ends)], [outcome]);
        if (payer === "ldk") assert.equal(ends.length, 1);
        break;
      }
      if (performance.now() > deadline) this.#giveUp(point);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    this.#store.arm(undefined);
    if (outcome === "fulfilled") this.#ours += payer === "us" ? -amount : amount;
    await this.#check();
    return crashes > 0;
  }

  async #invoice(payer: Side): Promise<{ readonly invoice: string; readonly paymentHash: string }> {
    if (payer === "us") return this.#pair.ldk.cmd("invoice", { amountMsat: amount });
    return this.#us.manager.createBolt11Invoice({ amount: msat(amount), description: "" });
  }

  #pay(invoice: string): void {
    try {
      this.#us.act((manager) => manager.payForBolt11Invoice(invoice));
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "duplicate-payment") throw error;
    }
  }

  async #restart(): Promise<void> {
    const { chain, ldk, ldkPort } = this.#pair;
    const { answer } = this.#us;
    await this.#us.discard();
    await ldk.until("peers", (peers) => peers.length === 0);
    this.#store = new CrashingStore(this.#memory);
    this.#us = await OurNode.start({ name: "us again", seedByte: 9, chain, store: this.#store, answer });
    await this.#us.connect(ldkPort, ldk.nodeId);
    await bothUsable({ us: this.#us, ldk }, this.#channelId);
  }

  async #isQuiet(): Promise<boolean> {
    const { pendingHtlcs, isUsable } = channelOf(this.#us, this.#channelId);
    if (pendingHtlcs > 0 || !isUsable) return false;
    const channels = await this.#pair.ldk.cmd("channels");
    const theirsAreQuiet = channels.every(
      (channel) => channel.usable && channel.pendingInboundHtlcs + channel.pendingOutboundHtlcs === 0,
    );
    return theirsAreQuiet && !this.#store.isLost;
  }

  async #check(): Promise<void> {
    const pair = { us: this.#us, ldk: this.#pair.ldk };
    await bothUsable(pair, this.#channelId);
    const theirs = 1_000_000_000n - this.#ours;
    await checkBalances(pair, this.#channelId, { ours: this.#ours, theirs });
    assert.deepEqual(pair.us.manager.listClaimablePayments(), []);
    assert.deepEqual(complaintsOf(pair.us), []);
    assert.deepEqual(this.#pair.chain.chain.mempool, [], "nothing was broadcast");
  }

  #giveUp(point: CrashPoint): never {
    const { ldk } = this.#pair;
    const events = { ours: this.#us.events.map(({ kind }) => kind), theirs: lastTypes(ldk) };
    const text = JSON.stringify({ point, events, log: this.#us.log }, undefined, 1);
    throw new Error(`the payment does not end: ${text}`);
  }
}

function ourEnds(events: readonly Event[], paymentHash: string): readonly Outcome[] {
  return events.flatMap((event) => {
    if (event.kind === "payment-sent" && event.paymentHash === paymentHash) return ["fulfilled" as const];
    if (event.kind === "payment-failed" && event.paymentHash === paymentHash) return ["refused" as const];
    return [];
  });
}

function theirEnds(events: LdkPeer["events"], paymentHash: string): readonly Outcome[] {
  return events.flatMap((event) => {
    if (event.type === "payment-sent" && event.paymentHash === paymentHash) return ["fulfilled" as const];
    if (event.type === "payment-failed" && event.paymentHash === paymentHash) return ["refused" as const];
    return [];
  });
}

function lastTypes(ldk: LdkPeer): readonly string[] {
  return ldk.events.slice(-12).map(({ type }) => type);
}
