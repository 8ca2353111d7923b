import { crypto } from "@fulmen/bitcoin/crypto";
import type { ChannelDetails } from "@fulmen/lightning/manager";
import { createBlindedPaymentPath, encodePaymentPathId } from "@fulmen/lightning/onion";
import { paymentParameters, type RouteHop } from "@fulmen/lightning/routing";
import {
  blockHeight,
  fromHex,
  type Msat,
  maxU64,
  minus,
  msat,
  type PaymentHash,
  type PaymentId,
} from "@fulmen/lightning/util";
import type { TestNode } from "@fulmen/testkit";
import { claimable, resolve } from "./claims.ts";
import { feeFor } from "./ledger.ts";
import type { Action } from "./script.ts";
import { dust, leastAboveDust, ModelError, type World } from "./world.ts";

type Pay = Extract<Action, { readonly kind: "pay" }>;

/** In msat: around what is dust, and more. */
const amounts: readonly bigint[] = [
  1n,
  1_000n,
  329_999n,
  353_999n,
  354_000n,
  1_000_000n,
  10_000_000n,
  90_000_000n,
];

/** What can be sent over a channel now, and what is just around it. */
const shares: readonly ((limit: bigint) => bigint)[] = [
  (limit) => limit,
  (limit) => limit,
  (limit) => limit - 1n,
  (limit) => limit + 1n,
  (limit) => limit / 2n,
  (limit) => limit / 7n,
];

/** What is paid over each channel in the end, in msat: more than dust at any feerate. */
const goodSum = 10_000_000n;
const leastSum = 3_000_000n;
/** More than invoices ask for. */
const finalCltvExpiryDelta = 60;
const forwarderCltvExpiryDelta = 72;

/** What `how` means: a route can be given, rightly or wrongly. */
const ways = [
  "by-invoice",
  "spontaneously",
  "by-route",
  "by-route",
  "by-blinded-path",
  "by-invoice",
  "for-too-little",
  "to-another-node",
  "by-hold-invoice",
  "by-trampoline",
] as const;

/** Who pays whom, and over which channels when the user says so. */
interface Parties {
  readonly payer: TestNode;
  readonly payee: TestNode;
  readonly isDirect: boolean;
  /** Of the payer to whom he sends first. */
  readonly first: ChannelDetails | undefined;
}

/** A user pays another one. `false` when the amount makes no sense. */
export function pay(world: World, action: Pay): boolean {
  const parties = partiesOf(world, action);
  const amount = amountOf(world, action, parties);
  if (amount <= 0n) return false;
  const { payer, payee } = parties;
  const way = ways[action.how % ways.length] ?? "by-invoice";
  const isRelayed = way === "by-trampoline";
  const order = { payer: world.nameOf(payer), payee: world.nameOf(payee), amount, isRelayed };
  const paymentHash = payBy(way, msat(amount), { world, action, parties });
  if (paymentHash !== undefined) world.ordered(paymentHash, payer, order);
  return paymentHash !== undefined;
}

function payBy(
  way: (typeof ways)[number],
  amount: Msat,
  by: { readonly world: World; readonly action: Pay; readonly parties: Parties },
): PaymentHash | undefined {
  const { world, action, parties } = by;
  const hops = hopsOf(world, action, { ...parties, amount });
  switch (way) {
    case "by-invoice":
      return payInvoice(world, parties, amount);
    case "by-trampoline":
      return parties.isDirect ? undefined : payByTrampoline(world, parties, amount);
    case "by-hold-invoice":
      return payInvoice(world, parties, amount, world.newHeld());
    case "spontaneously":
      return paySpontaneously(parties, amount);
    case "by-blinded-path":
      return payBlinded(world, action, { ...parties, amount });
    case "by-route":
      return hops && payAlong(hops, parties, amount);
    case "for-too-little":
      return hops && payAlong(forTooLittle(hops), parties, amount);
    case "to-another-node":
      return hops && payAlong(toAnother(hops, parties.payer), parties, amount);
  }
}

/** Leaves the forwarder a millisatoshi short: it must not take that, and the ledger would complain. */
function forTooLittle(hops: readonly RouteHop[]): readonly RouteHop[] {
  return hops.map((hop, index) =>
    index < hops.length - 1 && hop.fee > 0n ? { ...hop, fee: minus(hop.fee, msat(1n)) } : hop,
  );
}

/** The last node cannot read its part of the onion, since that is not for it. */
function toAnother(hops: readonly RouteHop[], { nodeId }: TestNode): readonly RouteHop[] {
  return hops.map((hop, index) => (index === hops.length - 1 ? { ...hop, nodeId } : hop));
}

/** The ends of the row pay each other more often than the node between them. */
function partiesOf(world: World, action: Pay): Parties {
  const from = action.payer % 3;
  const to = from === 1 ? 2 * (action.payee % 2) : action.payee % 4 === 0 ? 1 : 2 - from;
  const [payer, payee] = [world.node(from), world.node(to)];
  const isDirect = from === 1 || to === 1;
  const channels = channelsBetween(payer, isDirect ? payee : world.node(1));
  return { payer, payee, isDirect, first: channels[action.channel % Math.max(1, channels.length)] };
}

function channelsBetween(from: TestNode, to: TestNode): readonly ChannelDetails[] {
  return from.manager.listUsableChannels().filter(({ counterparty }) => counterparty === to.nodeId);
}

function amountOf(world: World, action: Pay, { isDirect, first }: Parties): bigint {
  const index = action.amount % (amounts.length + shares.length);
  const fixed = amounts[index];
  if (fixed !== undefined) return clearOfDust(world, fixed);
  const share = shares[index - amounts.length];
  const limit = first?.nextOutboundHtlcLimit ?? 0n;
  const { base, millionths } = world.terms;
  const most = isDirect ? limit : ((limit - base) * 1_000_000n) / (1_000_000n + millionths);
  return clearOfDust(world, share?.(most) ?? 0n);
}

/** Nobody can say beforehand who loses what is about as much as an output costs. */
function clearOfDust({ ends }: World, amount: bigint): bigint {
  return !ends || amount <= dust || amount >= leastAboveDust ? amount : leastAboveDust;
}

function invoiceOf(
  { payee }: Parties,
  amount: Msat,
  held?: PaymentHash,
): { readonly invoice: string; readonly paymentHash: PaymentHash } {
  const request = { amount, description: "model", expirySeconds: 1_000_000 };
  return payee.manager.createBolt11Invoice({ ...request, ...(held && { paymentHash: held }) });
}

/** In parts, if need be; but where channels may end on the chain, parts could be about as much as an output costs. */
function payInvoice({ terms, ends }: World, parties: Parties, amount: Msat, held?: PaymentHash): PaymentHash {
  const { invoice, paymentHash } = invoiceOf(parties, amount, held);
  const fee = feeFor(terms, amount) + (ends ? 0n : 2n * terms.base);
  parties.payer.manager.payForBolt11Invoice(invoice, {
    maxFee: msat(fee),
    ...(ends && { routing: { maxPathCount: 1 } }),
  });
  return paymentHash;
}

/** The node in between finds the way on, and is given what forwarding costs. */
function payByTrampoline(world: World, parties: Parties, amount: Msat): PaymentHash {
  const { terms, ends } = world;
  const { invoice, paymentHash } = invoiceOf(parties, amount);
  const fee = msat(feeFor(terms, amount));
  parties.payer.manager.payForBolt11Invoice(invoice, {
    maxFee: fee,
    trampolines: [{ nodeId: world.node(1).nodeId, fee, cltvExpiryDelta: 2 * forwarderCltvExpiryDelta }],
    ...(ends && { routing: { maxPathCount: 1 } }),
  });
  return paymentHash;
}

function paySpontaneously({ payer, payee }: Parties, amount: Msat): PaymentHash {
  const paymentId = payer.manager.sendSpontaneousPayment({ payee: payee.nodeId, amount });
  const payment = payer.manager.listRecentPayments().find((each) => each.paymentId === paymentId);
  if (payment === undefined) throw new ModelError("a payment that was just begun is unknown");
  return payment.paymentHash;
}

/** Behind the node in between, or behind himself, with none to two dummies. The payer does not see whom he pays. */
function payBlinded(
  world: World,
  action: Pay,
  to: Parties & { readonly amount: Msat },
): PaymentHash | undefined {
  const { payer, payee, amount, isDirect } = to;
  const middle = world.node(1);
  const channels = channelsBetween(middle, payee);
  const shortChannelId = channels[action.channel % Math.max(1, channels.length)]?.shortChannelId;
  if (!isDirect && shortChannelId === undefined) return undefined;
  const { paymentHash, paymentSecret } = payee.manager.createInboundPayment({
    amount,
    expirySeconds: 1_000_000,
  });
  const { base, millionths } = world.terms;
  const bounds = { htlcMinimum: msat(1n), htlcMaximum: msat(maxU64) };
  const relay = {
    feeBase: msat(base),
    feeProportionalMillionths: Number(millionths),
    cltvExpiryDelta: forwarderCltvExpiryDelta,
  };
  const made = createBlindedPaymentPath({
    forwardNodes:
      isDirect || shortChannelId === undefined
        ? []
        : [{ nodeId: middle.nodeId, shortChannelId, relay, ...bounds }],
    payee: payee.nodeId,
    receiveAuthKey: payee.keys.receiveAuthKey(),
    pathId: encodePaymentPathId({ paymentSecret }),
    maxCltvExpiry: blockHeight(payee.manager.bestBlock.height + 10_000),
    minFinalCltvExpiryDelta: finalCltvExpiryDelta,
    ...bounds,
    dummyHops: action.amount % 3,
    sessionKey: crypto().sha256(fromHex(paymentHash)),
  });
  if (!made.ok) throw new ModelError(made.error.text);
  payer.manager.sendPayment({
    paymentHash,
    paymentId: paymentHash as string as PaymentId,
    recipientOnion: {},
    routeParameters: {
      paymentParameters: paymentParameters({ kind: "blinded", paths: [made.value] }, { maxPathCount: 1 }),
      finalValue: amount,
      maxFee: msat(feeFor(world.terms, amount)),
    },
  });
  return paymentHash;
}

/** What a channel says it can carry, it carries. */
function payAlong(hops: readonly RouteHop[], parties: Parties, amount: Msat): PaymentHash {
  const { payer, first } = parties;
  const { invoice, paymentHash } = invoiceOf(parties, amount);
  const paymentId = paymentHash as string as PaymentId;
  const terms = payer.manager.paymentTermsOf(invoice);
  payer.manager.sendPaymentWithRoute(paymentId, terms, { paths: [{ hops }] });
  const total = hops.reduce((sum, { fee }) => sum + fee, 0n);
  const payment = payer.manager.listRecentPayments().find((each) => each.paymentId === paymentId);
  const isWithin =
    first !== undefined && total >= first.nextOutboundHtlcMinimum && total <= first.nextOutboundHtlcLimit;
  if (isWithin && payment?.kind === "failed")
    throw new ModelError(`a channel that can send ${first.nextOutboundHtlcLimit} msat did not take ${total}`);
  return paymentHash;
}

function hopsOf(
  world: World,
  action: Pay,
  to: Parties & { readonly amount: Msat },
): readonly RouteHop[] | undefined {
  const { payee, amount, isDirect, first } = to;
  if (first?.shortChannelId === undefined) return undefined;
  const last = { nodeId: payee.nodeId, fee: amount, cltvExpiryDelta: finalCltvExpiryDelta };
  if (isDirect) return [{ ...last, shortChannelId: first.shortChannelId }];
  const middle = world.node(1);
  const channels = channelsBetween(middle, payee);
  const second = channels[action.channel % Math.max(1, channels.length)];
  if (second?.shortChannelId === undefined) return undefined;
  return [
    {
      nodeId: middle.nodeId,
      shortChannelId: first.shortChannelId,
      fee: msat(feeFor(world.terms, amount)),
      cltvExpiryDelta: forwarderCltvExpiryDelta,
    },
    { ...last, shortChannelId: second.shortChannelId },
  ];
}

/**
 * At the end every channel must still be of use: over each, both nodes pay what they can, up to a good sum, and at
 * least one of them can.
 */
export function payEveryWay(world: World): void {
  for (const { channelId, opener, acceptor } of world.opened) {
    if (world.isClosed(channelId)) continue;
    const ways = [
      [opener, acceptor],
      [acceptor, opener],
    ] as const;
    const paid = ways.filter(([payer, payee]) => {
      const first = world.channel(payer, channelId);
      const most = first?.nextOutboundHtlcLimit ?? 0n;
      const amount = msat(most < goodSum ? most : goodSum);
      if (first?.shortChannelId === undefined || amount < leastSum) return false;
      const order = { payer: world.nameOf(payer), payee: world.nameOf(payee), amount, isRelayed: false };
      const { shortChannelId } = first;
      const hop = {
        nodeId: payee.nodeId,
        shortChannelId,
        fee: amount,
        cltvExpiryDelta: finalCltvExpiryDelta,
      };
      world.ordered(payAlong([hop], { payer, payee, isDirect: true, first }, amount), payer, order);
      world.network.settle();
      for (const one of claimable(world)) resolve(world, one, "claim");
      world.network.settle();
      return true;
    });
    if (paid.length === 0) throw new ModelError(`nobody can pay anything over channel ${channelId}`);
  }
}
