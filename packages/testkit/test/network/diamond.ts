import assert from "node:assert/strict";
import type { Event } from "@fulmen/lightning/handlers";
import type { PayInvoiceOptions } from "@fulmen/lightning/manager";
import {
  type ChannelId,
  type Msat,
  msat,
  type PaymentHash,
  type PaymentId,
  sat,
} from "@fulmen/lightning/util";
import { type ClaimPolicy, TestNetwork, type TestNode } from "@fulmen/testkit";

/** What `testConfig` takes for forwarding: the base fee alone. */
export const fee = 1_000n;
/** Of each channel: 250,000 sat may be under way at a time. */
const capacity = 1_000_000n;

/** A pays D by way of B and of C: no channel carries all, both together do. */
export class Diamond {
  readonly network: TestNetwork;
  readonly a: TestNode;
  readonly b: TestNode;
  readonly c: TestNode;
  readonly d: TestNode;
  readonly channels: Readonly<Record<"ab" | "ac" | "bd" | "cd", ChannelId>>;

  constructor(
    options: { readonly claims?: ClaimPolicy; readonly seed?: number; readonly shuffles?: boolean } = {},
  ) {
    const { claims = "claim", seed, shuffles } = options;
    this.network = new TestNetwork({ ...(seed !== undefined && { seed }), ...(shuffles && { shuffles }) });
    const node = (): TestNode => this.network.addNode();
    [this.a, this.b, this.c, this.d] = [node(), node(), node(), node()];
    const { a, b, c, d, network } = this;
    for (const [from, to] of [
      [a, b],
      [a, c],
      [b, d],
      [c, d],
    ] as const)
      network.connect(from, to);
    const open = (from: TestNode, to: TestNode): ChannelId =>
      network.openChannel(from, to, { funding: sat(capacity) });
    this.channels = { ab: open(a, b), ac: open(a, c), bd: open(b, d), cd: open(c, d) };
    network.claims(d, claims);
  }

  get nodes(): readonly TestNode[] {
    return [this.a, this.b, this.c, this.d];
  }

  /** A is told to pay an invoice of D's; `settle` is for the caller. */
  order(amount: Msat, options: PayInvoiceOptions & { readonly paymentId?: PaymentId } = {}) {
    const { invoice, paymentHash } = this.d.manager.createBolt11Invoice({
      amount,
      description: "diamond",
      expirySeconds: 1_000_000,
    });
    const paymentId = this.a.manager.payForBolt11Invoice(invoice, options);
    return { invoice, paymentHash, paymentId };
  }

  pay(amount: Msat, options: PayInvoiceOptions = {}) {
    const ordered = this.order(amount, options);
    this.network.settle();
    return ordered;
  }

  /** What a node's user was told of a payment, or all. */
  told<K extends Event["kind"]>(
    node: TestNode,
    kind: K,
    paymentHash?: PaymentHash,
  ): Extract<Event, { readonly kind: K }>[] {
    return node.eventList.filter(
      (event): event is Extract<Event, { readonly kind: K }> =>
        event.kind === kind &&
        (paymentHash === undefined || !("paymentHash" in event) || event.paymentHash === paymentHash),
    );
  }

  /** What each of the four nodes has in its channels. */
  balances(): readonly bigint[] {
    return this.nodes.map((node) =>
      node.manager.listChannels().reduce<bigint>((sum, { localBalance }) => sum + localBalance, 0n),
    );
  }

  /** Nothing is under way, no channel was lost, nobody complains. */
  checkRest(): void {
    for (const node of this.nodes) {
      assert.deepEqual(
        node.manager.listChannels().map(({ pendingHtlcs, isUsable }) => [pendingHtlcs, isUsable]),
        node.manager.listChannels().map(() => [0, true]),
      );
      assert.deepEqual(node.manager.listClaimablePayments(), []);
      assert.deepEqual(node.manager.computeInflightHtlcs(), []);
      const complaint = node.log.find(({ level }) => level === "warn" || level === "error");
      assert.equal(complaint?.text, undefined);
    }
  }
}

/** More than one way carries, less than both. */
export const large = msat(400_000_000n);
