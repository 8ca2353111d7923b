import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { FormatName } from "@fulmen/lightning/commitment";
import type { ChannelId } from "@fulmen/lightning/util";
import { type CutPoint, Cutter } from "./cutter.ts";
import {
  bothUsable,
  channelOf,
  checkBalances,
  type OurPair,
  openChannel,
  paid,
  refused,
  type Side,
  settled,
  startOurPair,
  startPayment,
} from "./ourPair.ts";
import { reconnectWhenCut } from "./reconnect.ts";

/** A channel whose connection is cut again and again. */
export class CutLine {
  readonly pair: OurPair;
  readonly cutter: Cutter;
  readonly channelId: ChannelId;
  #ours = 500_000_000n;

  static async open(t: TestContext, opener: Side, format: FormatName): Promise<CutLine> {
    const cutter = new Cutter();
    const pair = await startOurPair(t, { us: { tap: cutter.tap } });
    const terms = { opener, format, sats: 1_000_000n, pushMsat: 500_000_000n };
    const { channelId } = await openChannel(pair, terms);
    return new CutLine(pair, cutter, channelId);
  }

  private constructor(pair: OurPair, cutter: Cutter, channelId: ChannelId) {
    this.pair = pair;
    this.cutter = cutter;
    this.channelId = channelId;
  }

  async answer(outcome: "fulfilled" | "refused"): Promise<void> {
    const { us, ldk } = this.pair;
    us.answer = outcome === "fulfilled" ? "claim" : "refuse";
    await ldk.cmd("behave", { claim: outcome === "fulfilled" ? "auto" : "manual" });
  }

  /** Plays `scene` with a cut at every point that it has, in both directions; gives how many there are. */
  async atEachPoint(scene: () => Promise<void>): Promise<number> {
    return this.#atEach((point) => [point], scene);
  }

  /** Plays `scene` with a cut at `first`, and with another one at every message that follows on the next connection. */
  async atEachPointAfter(first: CutPoint, scene: () => Promise<void>): Promise<number> {
    return this.#atEach((point) => [first, point], scene);
  }

  async onePayment(payer: Side, outcome: "fulfilled" | "refused"): Promise<void> {
    const amount = 4_000_000n;
    const hash = await startPayment(this.pair, payer, amount);
    if (outcome === "refused") {
      await refused(this.pair, payer, hash);
      return;
    }
    await paid(this.pair, payer, hash);
    this.#moved(payer, amount);
  }

  async crossingPayments(): Promise<void> {
    const { us, ldk } = this.pair;
    const amount = 5_000_000n;
    this.cutter.hold();
    const theirs = [
      await startPayment(this.pair, "ldk", amount),
      await startPayment(this.pair, "ldk", amount),
    ];
    const first = await ldk.cmd("invoice", { amountMsat: amount });
    const second = await ldk.cmd("invoice", { amountMsat: amount });
    us.act((manager) => {
      manager.payForBolt11Invoice(first.invoice);
      manager.payForBolt11Invoice(second.invoice);
    });
    us.act(() => this.cutter.release());
    for (const hash of theirs) await paid(this.pair, "ldk", hash);
    for (const { paymentHash } of [first, second]) await paid(this.pair, "us", paymentHash);
  }

  #moved(payer: Side, amount: bigint): void {
    this.#ours += payer === "us" ? -amount : amount;
  }

  async #atEach(cuts: (point: CutPoint) => readonly CutPoint[], scene: () => Promise<void>): Promise<number> {
    let count = 0;
    for (const direction of ["in", "out"] as const) {
      for (const when of ["before", "after"] as const) {
        for (let index = 0; await this.#withCuts(cuts({ direction, index, when }), scene); index++) count++;
      }
    }
    return count;
  }

  /** Plays the scene; `false` when it was over before the last cut. */
  async #withCuts(points: readonly CutPoint[], scene: () => Promise<void>): Promise<boolean> {
    const { us, ldk } = this.pair;
    this.cutter.arm(points);
    const reconnected = reconnectWhenCut(this.pair);
    try {
      await scene();
      await settled(this.pair);
    } catch (error) {
      reconnected.giveUp();
      const cuts = `${JSON.stringify(points)}, done at ${this.cutter.cutAt.join(" and ")}`;
      throw new Error(`cuts: ${cuts}`, { cause: error });
    }
    this.cutter.disarm();
    await reconnected.finish();
    await bothUsable(this.pair, this.channelId);
    await checkBalances(this.pair, this.channelId, { ours: this.#ours, theirs: 1_000_000_000n - this.#ours });
    assert.equal(channelOf(us, this.channelId).state, "normal");
    assert.equal((await ldk.cmd("channels")).length, 1);
    return this.cutter.cutAt.length === points.length;
  }
}
