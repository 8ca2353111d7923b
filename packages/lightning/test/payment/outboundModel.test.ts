import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Event } from "#src/handlers/index";
import type { LocalSource } from "#src/payment/inFlightParts";
import { mayRetry, newPayment, type OutboundPayment, type PaymentTerms } from "#src/payment/outboundPayment";
import { OutboundPayments } from "#src/payment/outboundPayments";
import { paymentParameters } from "#src/routing/route";
import { encodePayment, readPayment } from "#src/storage/v1/payment";
import type { NodeId, PaymentHash, PaymentId, ShortChannelId } from "#src/util/ids";
import { type Msat, msat } from "#src/util/units";

// One payment, whatever its parts, its user and crashes do to it, in any order: it ends once, as sent or as failed, and
// at no time is more under way than is to be paid.

const paymentId = "01".repeat(32) as PaymentId;
const paymentHash = "02".repeat(32) as PaymentHash;
/** The generator. */
const nodeId = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" as NodeId;
const finalValue = msat(1_000n);
const maxFee = msat(30n);

const terms: PaymentTerms = {
  paymentHash,
  recipientOnion: {},
  routeParameters: {
    paymentParameters: paymentParameters({ kind: "clear", nodeId, routeHints: [], finalCltvExpiryDelta: 18 }),
    finalValue,
    maxFee,
  },
};

interface LivePart {
  readonly source: LocalSource;
  readonly amount: Msat;
  isFulfilled: boolean;
}

/** The HTLCs as their channels have them, and what the user was told. */
class World {
  payments = new OutboundPayments(new Uint8Array(32));
  live: LivePart[] = [];
  readonly told: Event[] = [];
  stored: OutboundPayment | undefined;
  preimageShown = false;
  #parts = 0;

  constructor() {
    const payment = newPayment(paymentId, terms, { retry: { kind: "attempts", count: 4 }, now: 0 });
    assert.ok(this.payments.begin(payment, 0).ok);
    this.attempt(3);
    this.commit();
  }

  /** Sends what is left, or some of it, in so many parts, as a router may say. */
  attempt(count: number): void {
    const { payments } = this;
    const payment = payments.get(paymentId);
    if (payment === undefined || payment.status.kind !== "pending") return;
    const left = payments.remaining(paymentId);
    if (left.amount === 0n) return;
    if (!mayRetry(payment, 0) && !payments.isInterrupted(paymentId)) {
      payments.abandon(paymentId, "retries-exhausted");
      return;
    }
    payments.attempted(paymentId);
    const each = left.amount / BigInt(count) + 1n;
    let fee = left.maxFee / BigInt(count);
    for (let rest: bigint = left.amount; rest > 0n; rest -= each) {
      const amount = msat(rest < each ? rest : each);
      this.#parts++;
      const source: LocalSource = {
        kind: "local",
        paymentId,
        sessionKey: sessionKey(this.#parts),
        path: [{ nodeId, shortChannelId: BigInt(this.#parts % 3) as ShortChannelId }],
        amount,
      };
      const part = { source, amount: msat(amount + fee), isFulfilled: false };
      fee = 0n;
      payments.partSent(source, { amount: part.amount, paymentHash });
      this.live.push(part);
    }
  }

  /** Retries that are due happen, and all is durable. */
  commit(): void {
    for (let turns = 0; turns < 20 && this.payments.hasRetries; turns++) {
      for (const _ of this.payments.takeRetries()) this.attempt(2);
    }
    const changed = this.payments.takeChanged();
    if (changed.has(paymentId)) this.stored = changed.get(paymentId);
    this.told.push(...this.payments.takeEvents());
  }

  /** Memory goes; the record and the HTLCs stay, both as of the last commit. */
  restart(): void {
    this.payments = new OutboundPayments(new Uint8Array(32));
    if (this.stored !== undefined) {
      const read = readPayment({ key: "", value: encodePayment(this.stored) });
      assert.ok(read.ok);
      this.payments.restore(read.value);
    }
    for (const { source, amount } of this.live) this.payments.partSent(source, { amount, paymentHash });
    this.payments.restored();
  }

  check(): void {
    const underWay = this.live.reduce<bigint>((sum, { source }) => sum + source.amount, 0n);
    const fees = this.live.reduce<bigint>((sum, { source, amount }) => sum + amount - source.amount, 0n);
    assert.ok(underWay <= finalValue, `${underWay} msat under way`);
    assert.ok(fees <= maxFee, `${fees} msat of fees under way`);
    const sent = this.told.filter(({ kind }) => kind === "payment-sent").length;
    const failed = this.told.filter(({ kind }) => kind === "payment-failed").length;
    assert.equal(sent, this.preimageShown ? 1 : 0);
    assert.ok(failed <= 1);
    if (failed === 1) assert.deepEqual([sent, this.live.length], [0, 0]);
    const details = this.payments.list()[0];
    if (details?.kind === "pending") assert.equal(details.amountInFlight, underWay);
  }
}

function sessionKey(number: number): Uint8Array {
  const key = new Uint8Array(32);
  key.set([number >> 8, number & 0xff], 30);
  return key;
}

type Step = readonly [what: number, which: number];

function perform(world: World, [what, which]: Step): void {
  const { payments, live } = world;
  const part = live[which % Math.max(1, live.length)];
  switch (what % 7) {
    case 0:
      payments.abandon(paymentId, "user-abandoned");
      break;
    case 1:
      world.restart();
      break;
    case 2:
      payments.channelsChanged();
      break;
    case 3:
    case 4: {
      // A part fails, or is dropped; one that was fulfilled does neither.
      if (part === undefined || part.isFulfilled) break;
      world.live = live.filter((one) => one !== part);
      const htlc = { amount: part.amount, paymentHash };
      if (which % 2 === 0) payments.dropped(part.source, htlc, which % 4 === 0);
      else payments.failed(part.source, htlc, { kind: "packet", removal: { reason: new Uint8Array(300) } });
      break;
    }
    case 5:
    case 6:
      // A recipient claims all or nothing, when all is there; the parts then end one by one.
      if (part === undefined) break;
      if (part.isFulfilled) {
        world.live = live.filter((one) => one !== part);
        payments.settled(part.source, { amount: part.amount, paymentHash });
        break;
      }
      if (
        live.reduce<bigint>((sum, { source }) => sum + source.amount, 0n) < finalValue &&
        !world.preimageShown
      )
        break;
      for (const one of live) one.isFulfilled = true;
      world.preimageShown = true;
      for (const { source } of live) payments.fulfilled(source, new Uint8Array(32));
      break;
  }
  world.commit();
}

describe("a payment", () => {
  it("ends once, and never has more under way than is to be paid", () => {
    const step = fc.tuple(fc.nat(6), fc.nat(11));
    let sent = 0;
    let failed = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = new World();
        world.check();
        for (const one of steps) {
          perform(world, one);
          world.check();
        }
        // In the end every part ends, and no channel comes back.
        for (let turns = 0; turns < 200 && world.live.length > 0; turns++) perform(world, [6, turns]);
        if (!world.preimageShown) {
          for (let turns = 0; turns < 400 && world.live.length > 0; turns++) perform(world, [3, 1]);
        }
        world.check();
        assert.deepEqual(world.live, []);
        const ends = world.told.filter(({ kind }) => kind === "payment-sent" || kind === "payment-failed");
        assert.equal(ends.length, 1);
        if (world.preimageShown) sent++;
        else failed++;
      }),
      { seed: 41, numRuns: 1_500 },
    );
    assert.ok(sent > 200 && failed > 100, `${sent} sent, ${failed} failed`);
  });
});
