import assert from "node:assert/strict";
import { htlcInterceptionFlags } from "@fulmen/lightning/channel";
import type { FormatName } from "@fulmen/lightning/commitment";
import type { Event } from "@fulmen/lightning/handlers";
import { ApiError } from "@fulmen/lightning/manager";
import {
  type ChannelId,
  type InterceptId,
  type Msat,
  msat,
  type PaymentHash,
  type PaymentId,
  sat,
} from "@fulmen/lightning/util";
import { type ClaimPolicy, TestNetwork, type TestNode, testConfig } from "@fulmen/testkit";

const capacity = 1_000_000n;
const pushed = 200_000_000n;
/** What `testConfig` takes for forwarding: the base fee alone. */
const fee = 1_000n;

export interface TwoHopsOptions {
  readonly format: FormatName;
  readonly claims: Exclude<ClaimPolicy, "hold">;
  readonly seed?: number;
  readonly shuffles?: boolean;
  readonly hasSlowStore?: boolean;
  /** B asks its user about every HTLC that it is to forward. */
  readonly intercepts?: "forward" | "fail";
}

/** Both nodes' balances of a channel, as an accountant keeps them who sees nothing but the payments. */
interface Account {
  readonly channelId: ChannelId;
  readonly from: TestNode;
  readonly to: TestNode;
  fromBalance: bigint;
  toBalance: bigint;
}

/**
 * A pays C by way of B, whatever happens to the three of them. Afterwards all must be as if nothing had happened: the
 * payment made, or refused, exactly once, the books in order, the channels open and at work.
 */
export class TwoHops {
  readonly network: TestNetwork;
  readonly a: TestNode;
  readonly b: TestNode;
  readonly c: TestNode;
  readonly #claims: TwoHopsOptions["claims"];
  readonly #intercepts: TwoHopsOptions["intercepts"];
  /** What B's user was told of and could not decide. */
  readonly #intercepted = new Set<InterceptId>();
  readonly #accounts: readonly [Account, Account];
  readonly #before: readonly number[];
  /** Payments that went through. */
  #paid = 0;

  constructor({ format, claims, seed, shuffles, hasSlowStore = false, intercepts }: TwoHopsOptions) {
    this.network = new TestNetwork({ ...(seed !== undefined && { seed }), ...(shuffles && { shuffles }) });
    const { network } = this;
    const node = (): TestNode => network.addNode({ hasSlowStore });
    this.a = node();
    this.#intercepts = intercepts;
    const { allValidHtlcs } = htlcInterceptionFlags;
    this.b = network.addNode({
      hasSlowStore,
      ...(intercepts && { config: { ...testConfig, htlcInterceptionFlags: allValidHtlcs } }),
      onEvent: (_, event) => {
        if (event.kind !== "htlc-intercepted") return;
        this.#intercepted.add(event.interceptId);
        this.#decide();
      },
    });
    this.c = node();
    network.connect(this.a, this.b);
    network.connect(this.b, this.c);
    this.#accounts = [this.#open(this.a, this.b, format), this.#open(this.b, this.c, format)];
    this.#claims = claims;
    network.claims(this.c, claims);
    this.#before = network.nodes.map(({ broadcasts }) => broadcasts.length);
  }

  get nodes(): readonly [TestNode, TestNode, TestNode] {
    return [this.a, this.b, this.c];
  }

  /**
   * A pays C, and `atRest` is called when nothing moves any more, before anything is looked at. When A has lost the
   * order in a crash, its user gives it again. Where a connection is lost, a payment may fail that would have gone
   * through (`mayFail`), but then it fails for everybody, and B's user is told that it was C's absence.
   */
  pay(amount: Msat, { mayFail = false, atRest = () => {} } = {}): "paid" | "failed" {
    const { a, c } = this;
    const { invoice, paymentHash } = c.manager.createBolt11Invoice({ amount, description: "two hops" });
    const paymentId = paymentHash as string as PaymentId;
    const order = (): void => {
      try {
        a.manager.payForBolt11Invoice(invoice, { paymentId });
      } catch (error) {
        assert.ok(error instanceof ApiError && error.code === "duplicate-payment", String(error));
      }
    };
    order();
    this.#settle();
    atRest();
    const isKnown = a.manager.listRecentPayments().some((payment) => payment.paymentId === paymentId);
    if (!isKnown && this.#told(a, "payment-failed", paymentHash).length === 0) {
      order();
      this.#settle();
    }
    const outcome = this.#checkPayment({ paymentHash, amount, mayFail });
    this.check();
    return outcome;
  }

  /** All three die at rest and come back: what they have in memory must be what is in their stores. */
  restartAll(): void {
    for (const node of this.nodes) this.network.crash(node);
    this.check();
  }

  /** That all is in order: the books, the channels, and what the nodes say. */
  check(): void {
    this.network.settle();
    for (const account of this.#accounts) this.#checkAccount(account);
    for (const [index, node] of this.nodes.entries()) {
      const complaint = node.log.find(({ level }) => level === "warn" || level === "error");
      assert.equal(complaint?.text, undefined, `node ${index} complains`);
      assert.equal(node.broadcasts.length, this.#before[index], `node ${index} broadcast something`);
      assert.deepEqual(node.keys.memory.violations, []);
      assert.deepEqual(node.manager.listClaimablePayments(), []);
      assert.ok(
        !node.eventList.some(({ kind }) => kind === "channel-closed"),
        `node ${index} lost a channel`,
      );
    }
  }

  /** Until nothing moves any more, and B's user has nothing left to decide. */
  #settle(): void {
    this.network.settle();
    for (let i = 0; i < 5 && this.#intercepted.size > 0; i++) {
      this.#decide();
      this.network.settle();
    }
    assert.equal(this.#intercepted.size, 0);
  }

  #decide(): void {
    const { manager } = this.b;
    const { channelId } = this.#accounts[1];
    for (const interceptId of this.#intercepted) {
      try {
        if (this.#intercepts === "fail") manager.failInterceptedHtlc(interceptId);
        else {
          const amount = this.#expected(interceptId);
          manager.forwardInterceptedHtlc(interceptId, channelId, this.c.nodeId, amount);
        }
        this.#intercepted.delete(interceptId);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        // The user decided before the node died, or has to wait for the channel.
        if (error.code === "api-misuse") this.#intercepted.delete(interceptId);
        else assert.equal(error.code, "channel-unavailable");
      }
    }
  }

  #expected(interceptId: InterceptId): Msat {
    for (const event of this.b.eventList) {
      if (event.kind === "htlc-intercepted" && event.interceptId === interceptId) {
        return event.expectedOutboundAmount;
      }
    }
    throw new Error("no event told of it");
  }

  #open(from: TestNode, to: TestNode, format: FormatName): Account {
    const channelId = this.network.openChannel(from, to, {
      funding: sat(capacity),
      push: msat(pushed),
      format,
    });
    return { channelId, from, to, fromBalance: capacity * 1_000n - pushed, toBalance: pushed };
  }

  #checkPayment({
    paymentHash,
    amount,
    mayFail,
  }: {
    readonly paymentHash: PaymentHash;
    readonly amount: Msat;
    readonly mayFail: boolean;
  }): "paid" | "failed" {
    const { a, b, c } = this;
    const sent = this.#told(a, "payment-sent", paymentHash);
    const failed = this.#told(a, "payment-failed", paymentHash);
    const claimed = this.#told(c, "payment-claimed", paymentHash);
    const isForwarded = this.#intercepts !== "fail";
    const isPaid = mayFail ? claimed.length > 0 : this.#claims === "claim" && isForwarded;
    assert.deepEqual(
      { sent: sent.length, failed: failed.length, claimed: claimed.length },
      { sent: isPaid ? 1 : 0, failed: isPaid ? 0 : 1, claimed: isPaid ? 1 : 0 },
    );
    if (this.#claims === "claim" && isForwarded) this.#checkRefusals(paymentHash, isPaid);
    if (!isPaid) {
      const [end] = failed;
      const reasons = [
        ...(this.#claims === "fail" ? ["recipient-rejected"] : []),
        ...(mayFail ? ["route-not-found"] : []),
      ];
      assert.ok(!isForwarded || (end?.kind === "payment-failed" && reasons.includes(end.reason ?? "")));
      return "failed";
    }
    assert.ok(sent[0]?.kind === "payment-sent" && sent[0].feePaid === fee && sent[0].amount === amount);
    this.#paid++;
    assert.equal(b.eventList.filter(({ kind }) => kind === "payment-forwarded").length, this.#paid);
    const [first, second] = this.#accounts;
    move(first, amount + fee);
    move(second, amount);
    return "paid";
  }

  /** Of what would have gone through nothing was refused, but by B, once, if it failed: C was not there. */
  #checkRefusals(paymentHash: PaymentHash, isPaid: boolean): void {
    const refusals = this.nodes.map((node) =>
      this.#told(node, "htlc-handling-failed", paymentHash).map(
        (event) => event.kind === "htlc-handling-failed" && event.failureReason,
      ),
    );
    const byForwarder = isPaid ? [] : [{ kind: "local", reason: "peer-offline" }];
    assert.deepEqual(refusals, [[], byForwarder, []]);
  }

  #told(node: TestNode, kind: Event["kind"], paymentHash: PaymentHash): readonly Event[] {
    return node.eventList.filter(
      (event) => event.kind === kind && "paymentHash" in event && event.paymentHash === paymentHash,
    );
  }

  #checkAccount({ channelId, from, to, fromBalance, toBalance }: Account): void {
    for (const [node, local, remote] of [
      [from, fromBalance, toBalance],
      [to, toBalance, fromBalance],
    ] as const) {
      const details = node.manager.listChannels().find((channel) => channel.channelId === channelId);
      assert.deepEqual(
        {
          local: details?.localBalance,
          remote: details?.remoteBalance,
          htlcs: details?.pendingHtlcs,
          usable: details?.isUsable,
        },
        { local, remote, htlcs: 0, usable: true },
      );
    }
  }
}

function move(account: Account, amount: bigint): void {
  account.fromBalance -= amount;
  account.toBalance += amount;
}
