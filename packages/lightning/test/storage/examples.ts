import assert from "node:assert/strict";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { BlockLocator } from "#src/chain/chainInterface";
import { claimIdOf } from "#src/chain/coinSelection";
import type { ShachainEntry } from "#src/crypto/shachain";
import type { ClosureReason, Event, IndexedEvent } from "#src/handlers/event";
import type { SpendableOutputDescriptor } from "#src/handlers/spendableOutput";
import type { ChannelMonitorUpdate, ChannelMonitorUpdateStep } from "#src/onchain/channelMonitorUpdate";
import type { MonitorSetup } from "#src/onchain/watch";
import type { OutboundPayment } from "#src/payment/outboundPayment";
import { paymentParameters } from "#src/routing/route";
import type { StoredBroadcast } from "#src/storage/v1/broadcast";
import type { Folded, StoredChanges, StoredState, StoredUpdates } from "#src/storage/v1/monitorRows";
import type { OutboxRow } from "#src/storage/v1/outbox";
import { type Bytes32, fromHex, noBytes, type Point, type Script, type Signature } from "#src/util/bytes";
import {
  type BlockHash,
  type BlockHeight,
  type ChannelId,
  commitmentNumber,
  htlcId,
  interceptIdOf,
  type NodeId,
  type OutPoint,
  type PaymentHash,
  type PaymentId,
  type ShortChannelId,
  type Txid,
} from "#src/util/ids";
import { feeratePerKw, msat, sat } from "#src/util/units";
import { channelExample } from "./storedPair.ts";

// One value of every kind that is stored: a kind without an example does not compile.

export const channelId = "c1".repeat(32) as ChannelId;
export const otherChannelId = "c2".repeat(32) as ChannelId;
const nodeId = `02${"a1".repeat(32)}` as NodeId;
const paymentHash = "b1".repeat(32) as PaymentHash;
const paymentId = "d1".repeat(32) as PaymentId;
const scid = ((700_000n << 40n) | (12n << 16n) | 1n) as ShortChannelId;
const bytes32 = (fill: number): Bytes32 => new Uint8Array(32).fill(fill) as Bytes32;
const outPoint: OutPoint = { txid: "e1".repeat(32) as Txid, index: 1 };
const signature = new Uint8Array(64).fill(0x51) as Signature;
/** The generator. */
const point = fromHex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798") as Point;
const path = [{ nodeId, shortChannelId: scid }];

type ByKind<T extends { readonly kind: string }> = {
  readonly [K in T["kind"]]: Extract<T, { readonly kind: K }>;
};

const reasons: ByKind<ClosureReason> = {
  "counterparty-force-closed": { kind: "counterparty-force-closed", peerMessage: "bye" },
  "holder-force-closed": { kind: "holder-force-closed", message: "grüße" },
  "locally-initiated-cooperative-closure": { kind: "locally-initiated-cooperative-closure" },
  "counterparty-initiated-cooperative-closure": { kind: "counterparty-initiated-cooperative-closure" },
  "commitment-transaction-confirmed": { kind: "commitment-transaction-confirmed" },
  "funding-timed-out": { kind: "funding-timed-out" },
  "processing-error": { kind: "processing-error", error: "wrong-preimage: of HTLC 3" },
  "disconnected-peer": { kind: "disconnected-peer" },
  "counterparty-coop-closed-unfunded-channel": { kind: "counterparty-coop-closed-unfunded-channel" },
  "locally-coop-closed-unfunded-channel": { kind: "locally-coop-closed-unfunded-channel" },
  "peer-feerate-too-low": { kind: "peer-feerate-too-low", peerFeerate: 200n, requiredFeerate: 253n },
  "lost-channel-state": { kind: "lost-channel-state" },
  "htlcs-timed-out": { kind: "htlcs-timed-out", paymentHash },
};

const closed = (reason: ClosureReason): Event => ({
  kind: "channel-closed",
  channelId,
  counterparty: nodeId,
  userChannelId: 7n,
  reason,
  capacity: sat(1_000_000),
  lastLocalBalance: msat(499_999_999),
  funding: outPoint,
});

const spendable = {
  outPoint,
  output: { value: sat(1234), script: new Uint8Array(22).fill(5) },
  channelKeysId: new Uint8Array(32).fill(6),
};
export const spendableOutputs: readonly SpendableOutputDescriptor[] = [
  { kind: "static-output", ...spendable },
  {
    kind: "delayed-payment-output",
    ...spendable,
    perCommitmentPoint: point,
    toSelfDelay: 144,
    witnessScript: new Uint8Array(77).fill(7),
  },
  { kind: "static-payment-output", ...spendable, sequence: 1, witnessScript: new Uint8Array(37).fill(8) },
  { kind: "static-payment-output", ...spendable, sequence: 0xffff_fffd },
];

/** Kinds that came later: their rows stand behind the others. */
const laterEvents: ByKind<Extract<Event, { readonly kind: "htlc-intercepted" }>> = {
  "htlc-intercepted": {
    kind: "htlc-intercepted",
    interceptId: interceptIdOf(new Uint8Array(32).fill(0xa9)),
    requestedNextHopScid: scid,
    paymentHash,
    inboundAmount: msat(1_001),
    expectedOutboundAmount: msat(1_000),
    outgoingHtlcExpiryBlockHeight: 800_200,
  },
};

const failures: readonly Event[] = [
  { kind: "invalid-forward", requestedForwardScid: scid } as const,
  { kind: "invalid-onion" } as const,
  { kind: "receive", paymentHash } as const,
].map((failureType) => ({
  kind: "htlc-handling-failed",
  prevChannelIds: [channelId, otherChannelId],
  paymentHash,
  failureType,
  failureReason: { kind: "downstream" },
}));

const events: ByKind<Exclude<Event, { readonly kind: keyof typeof laterEvents }>> = {
  "funding-generation-ready": {
    kind: "funding-generation-ready",
    temporaryChannelId: channelId,
    counterparty: nodeId,
    channelValue: sat(1_000_000),
    outputScript: Uint8Array.of(0, 1, 2),
    userChannelId: 2n ** 127n,
  },
  "open-channel-request": {
    kind: "open-channel-request",
    temporaryChannelId: channelId,
    counterparty: nodeId,
    funding: sat(20_000),
    pushed: msat(0),
    channelType: "anchors",
    announced: false,
  },
  "channel-pending": {
    kind: "channel-pending",
    channelId,
    formerTemporaryChannelId: otherChannelId,
    counterparty: nodeId,
    userChannelId: 7n,
    funding: outPoint,
  },
  "channel-ready": {
    kind: "channel-ready",
    channelId,
    counterparty: nodeId,
    userChannelId: 7n,
    channelType: "static-remotekey",
  },
  "channel-closed": {
    kind: "channel-closed",
    channelId,
    counterparty: nodeId,
    userChannelId: 7n,
    reason: reasons["funding-timed-out"],
  },
  "discard-funding": { kind: "discard-funding", channelId, funding: outPoint },
  "payment-claimable": {
    kind: "payment-claimable",
    paymentHash,
    amount: msat(123_456),
    purpose: { kind: "bolt11-invoice", paymentPreimage: bytes32(1), paymentSecret: bytes32(2) },
    claimDeadline: 800_123,
    viaChannelIds: [channelId, otherChannelId],
  },
  "payment-claimed": {
    kind: "payment-claimed",
    paymentHash,
    amount: msat(123_456),
    purpose: { kind: "spontaneous", paymentPreimage: bytes32(3) },
  },
  "payment-sent": {
    kind: "payment-sent",
    paymentId,
    paymentHash,
    preimage: bytes32(4),
    amount: msat(10),
    feePaid: msat(0),
  },
  "payment-failed": { kind: "payment-failed", paymentId, paymentHash, reason: "retries-exhausted" },
  "payment-path-successful": { kind: "payment-path-successful", paymentId, paymentHash, path },
  "payment-path-failed": {
    kind: "payment-path-failed",
    paymentId,
    paymentHash,
    path,
    failureCode: 0x1007,
    failureName: "temporary_channel_failure",
    shortChannelId: scid,
    paymentFailedPermanently: false,
  },
  "probe-successful": { kind: "probe-successful", paymentId, paymentHash, path },
  "probe-failed": {
    kind: "probe-failed",
    paymentId,
    paymentHash,
    path,
    shortChannelId: scid,
    networkUpdate: { kind: "channel-failure", shortChannelId: scid, isPermanent: false },
  },
  "payment-forwarded": {
    kind: "payment-forwarded",
    prevHtlcs: [{ channelId, amount: msat(1_001), htlcId: 7n, userChannelId: 2n ** 127n, nodeId }],
    nextHtlcs: [{ channelId: otherChannelId, amount: msat(1_000) }],
    totalFeeEarned: msat(1),
    skimmedFee: msat(2),
    claimFromOnchainTx: true,
    outboundAmountForwarded: msat(1_000),
  },
  "htlc-handling-failed": {
    kind: "htlc-handling-failed",
    prevChannelIds: [channelId],
    paymentHash,
    failureType: { kind: "forward", nodeId, channelId: otherChannelId },
    failureReason: { kind: "local", reason: "fee-insufficient" },
  },
  "spendable-outputs": {
    kind: "spendable-outputs",
    channelId,
    counterparty: nodeId,
    outputs: spendableOutputs,
  },
};

/** What the rows of events in former shapes are read as. */
export const formerEvents: readonly IndexedEvent[] = [
  {
    index: 13,
    event: {
      kind: "payment-forwarded",
      prevHtlcs: [{ channelId, amount: msat(1_001) }],
      nextHtlcs: [{ channelId: otherChannelId, amount: msat(1_000) }],
      totalFeeEarned: msat(1),
      claimFromOnchainTx: true,
      outboundAmountForwarded: msat(1_000),
    },
  },
  {
    index: 14,
    event: {
      kind: "htlc-handling-failed",
      prevChannelIds: [channelId],
      paymentHash,
      failureType: { kind: "forward", channelId },
      failureReason: { kind: "local", reason: "on-chain-timeout" },
    },
  },
];

/** Kinds that came after the first golden rows: theirs follow behind. */
const laterKinds: readonly (keyof typeof events)[] = ["probe-successful", "probe-failed"];

const allEvents: readonly Event[] = [
  ...Object.values(events).filter(({ kind }) => !laterKinds.some((later) => later === kind)),
  ...Object.values(reasons).map(closed),
  closed({ kind: "holder-force-closed", message: "enough", broadcastedLatestTxn: true }),
  ...laterKinds.map((kind) => events[kind]),
  {
    ...events["payment-path-failed"],
    holdTimes: [3, 2],
    networkUpdate: { kind: "node-failure", nodeId, isPermanent: true },
  },
  ...Object.values(laterEvents),
  ...failures,
  { ...events["payment-path-successful"], finalValue: msat(1_234) },
  { ...events["payment-path-failed"], finalValue: msat(1_235) },
  { ...events["probe-successful"], finalValue: msat(1_236) },
  { ...events["probe-failed"], finalValue: msat(1_237) },
  { ...events["spendable-outputs"], isTracked: true },
];

export const indexedEvents: readonly IndexedEvent[] = allEvents.map((event, i) => ({ index: i + 1, event }));

const transaction: Transaction = {
  version: 2,
  inputs: [{ outPoint, scriptSig: noBytes, sequence: 0xffff_fffd, witness: [Uint8Array.of(1), noBytes] }],
  outputs: [{ value: sat(5_000), script: fromHex(`0014${"11".repeat(20)}`) }],
  locktime: 700_000,
};

export const broadcasts: readonly StoredBroadcast[] = [
  { type: "cooperative-close", transactions: [transaction] },
  { type: "anchor-bump", transactions: [transaction, { ...transaction, locktime: 0 }] },
];

const htlc = {
  direction: "incoming",
  id: htlcId(7),
  amount: msat(1_000_000),
  paymentHash,
  cltvExpiry: 800_200,
} as const;
const balances = { funding: outPoint, txid: outPoint.txid, toLocal: msat(1), toRemote: msat(2n ** 40n) };
const number = commitmentNumber(2 ** 48 - 1);

const updateSteps: ByKind<ChannelMonitorUpdateStep> = {
  "holder-commitment": {
    kind: "holder-commitment",
    number,
    point,
    feerate: feeratePerKw(253),
    htlcs: { entered: [htlc], left: ["o12", "i0"] },
    commitments: [
      { ...balances, signature, htlcSignatures: [{ direction: "incoming", id: htlcId(7), signature }] },
    ],
  },
  "counterparty-commitment": {
    kind: "counterparty-commitment",
    number,
    point,
    feerate: feeratePerKw(253),
    htlcs: { entered: [], left: [] },
    commitments: [balances, balances],
  },
  "commitment-secret": { kind: "commitment-secret", number: commitmentNumber(41), secret: bytes32(5) },
  "payment-preimage": {
    kind: "payment-preimage",
    paymentHash,
    preimage: bytes32(6),
    parts: [
      { channelId, htlcId: 7n },
      { channelId: otherChannelId, htlcId: 2n ** 64n - 1n },
    ],
  },
  "shutdown-script": { kind: "shutdown-script", script: Uint8Array.of(0, 20) as Script },
  "channel-force-closed": { kind: "channel-force-closed", broadcast: true },
};

export const monitorUpdate: ChannelMonitorUpdate = {
  channelId,
  updateId: 42,
  steps: Object.values(updateSteps),
  after: [{ channelId: otherChannelId, updateId: 9 }],
};

/** Of updates before `monitorUpdate`. */
export const folded: Folded = {
  foldedTo: 41,
  holder: commitmentNumber(9),
  oldest: commitmentNumber(8),
  latest: number,
  changes: 5,
};

const { commitments: holders, htlcs: _, ...holder } = updateSteps["holder-commitment"];
const { commitments: theirs, htlcs: __, ...counterparty } = updateSteps["counterparty-commitment"];
const { secret, ...secretStep } = updateSteps["commitment-secret"];

/** The row of `monitorUpdate`; and rows with the HTLCs that it changes, and with the secret. */
export const storedRow: StoredUpdates = {
  first: 42,
  updates: [
    [
      { ...holder, commitments: holders.map((one) => ({ ...one, funding: undefined })) },
      { ...counterparty, commitments: theirs.map((one) => ({ ...one, funding: undefined })) },
      secretStep,
      updateSteps["payment-preimage"],
      updateSteps["shutdown-script"],
      updateSteps["channel-force-closed"],
    ],
  ],
  changesHtlcs: true,
  folded,
};
export const revealed: ShachainEntry = { index: 2 ** 48 - 1 - 41, secret: secret as Bytes32 };
export const storedChanges: readonly StoredChanges[] = [
  { side: "local", number, added: [htlc], entered: [], left: ["i0", "o12"] },
];

export const shachainEntry: ShachainEntry = { index: 2 ** 47, secret: bytes32(7) };

/** Of a channel that is open. */
export const storedState: StoredState = { folded, spends: [], claims: [], handedOver: [] };

const at = { height: 800_123 as BlockHeight, blockHash: "0d".repeat(32) as BlockHash };

/** Of one that the chain closed. */
export const closedState: StoredState = {
  folded: { ...folded, shutdownScript: Uint8Array.of(0, 20) as Script },
  lock: { afterUpdateId: 77, broadcast: true, cause: "funding-spent" },
  fundingSpend: { transaction, txid: outPoint.txid, ...at },
  spends: [
    { outPoint, txid: outPoint.txid, ...at },
    {
      outPoint,
      txid: outPoint.txid,
      ...at,
      preimage: bytes32(6),
      output: { kind: "second-stage", index: 1, value: sat(700) },
    },
  ],
  claims: [
    { id: claimIdOf(bytes32(3)), outPoints: [outPoint], feerate: feeratePerKw(1_000_000), setAt: 800_124 },
  ],
  handedOver: [outPoint],
};

const { params } = channelExample().commitments;

export const monitorSetup: MonitorSetup = {
  channelId,
  counterparty: nodeId,
  channelKeysId: bytes32(8),
  params,
  funding: {
    outPoint,
    capacity: sat(1_000_000),
    localKey: point,
    remoteKey: point,
    script: Uint8Array.of(0, 32, 1) as Script,
  },
  bestHeight: 800_000 as BlockHeight,
  basepoints: params.local.basepoints,
  initial: { ...monitorUpdate, updateId: 1, after: [] },
};

export const outboxRows: readonly OutboxRow[] = [
  { kind: "watch-channel", setup: monitorSetup },
  { kind: "update-channel", update: monitorUpdate },
];

const statuses: ByKind<OutboundPayment["status"]> = {
  pending: { kind: "pending" },
  abandoned: { kind: "abandoned", reason: "user-abandoned" },
  fulfilled: { kind: "fulfilled", preimage: bytes32(9), feePaid: msat(3) },
  failed: { kind: "failed", reason: "payment-expired" },
};

const routeHint = {
  nodeId,
  shortChannelId: scid,
  feeBaseMsat: 1_000,
  feeProportionalMillionths: 100,
  cltvExpiryDelta: 72,
};

const simplePayments = Object.values(statuses).map(
  (status, i): OutboundPayment => ({
    paymentId,
    terms: {
      paymentHash,
      recipientOnion: i === 0 ? { paymentSecret: bytes32(10), paymentMetadata: Uint8Array.of(1, 2, 3) } : {},
      ...(i > 0 && { preimage: bytes32(11) }),
      routeParameters: {
        paymentParameters: paymentParameters(
          { kind: "clear", nodeId, routeHints: [[routeHint]], finalCltvExpiryDelta: 18 },
          i === 0 ? { expiryTime: 1_800_000_000 } : {},
        ),
        finalValue: msat(50_000),
        maxFee: msat(500),
      },
    },
    status,
    attemptsLeft: 3 - i,
    failedChannels: [scid],
    failedNodes: [],
    failedBlindedPaths: [],
    ticksSinceEnd: i,
  }),
);

const blindedHops = [
  { blindedNodeId: point, encryptedPayload: Uint8Array.of(1, 2, 3) },
  { blindedNodeId: point, encryptedPayload: noBytes },
];
const payinfo = {
  feeBase: msat(7),
  feeProportionalMillionths: 8,
  cltvExpiryDelta: 0xffff,
  htlcMinimum: msat(1),
  htlcMaximum: msat(2n ** 64n - 1n),
  features: Uint8Array.of(2, 0),
};

const [pendingPayment] = simplePayments;
assert.ok(pendingPayment);

/** Everything that may be there. */
const fullPayment: OutboundPayment = {
  ...pendingPayment,
  terms: {
    paymentHash,
    recipientOnion: {
      paymentSecret: bytes32(12),
      customTlvs: [
        { type: 65_536n, value: noBytes },
        { type: 2n ** 64n - 1n, value: Uint8Array.of(5) },
      ],
      declaredTotalMppValue: msat(90_000),
    },
    routeParameters: {
      paymentParameters: paymentParameters(
        {
          kind: "blinded",
          paths: [
            {
              introductionNode: { kind: "node-id", nodeId },
              pathKey: point,
              blindedHops,
              payinfo,
            },
            {
              introductionNode: { kind: "directed-scid", direction: 1, shortChannelId: scid },
              pathKey: point,
              blindedHops: blindedHops.slice(1),
              payinfo,
            },
          ],
          features: Uint8Array.of(2, 0, 0),
        },
        {
          maxTotalCltvExpiryDelta: 500,
          maxPathCount: 3,
          maxPathLength: 4,
          maxChannelSaturationPowerOfHalf: 1,
        },
      ),
      finalValue: msat(50_000),
      maxFee: msat(0),
    },
  },
  retryUntil: 1_800_000_060,
  route: {
    paths: [
      { hops: [{ nodeId, shortChannelId: scid, fee: msat(50_000), cltvExpiryDelta: 42 }] },
      {
        hops: [{ nodeId, shortChannelId: scid, fee: msat(3), cltvExpiryDelta: 80 }],
        blindedTail: {
          hops: blindedHops,
          pathKey: point,
          excessFinalCltvExpiryDelta: 40,
          finalValue: msat(40_000),
        },
      },
    ],
  },
  failedNodes: [nodeId],
  failedBlindedPaths: [0, 1],
};

const { routeParameters } = pendingPayment.terms;
const flowingPayment: OutboundPayment = {
  ...pendingPayment,
  terms: {
    ...pendingPayment.terms,
    routeParameters: {
      ...routeParameters,
      paymentParameters: { ...routeParameters.paymentParameters, solver: "min-cost-flow" },
    },
  },
};

export const payments: readonly OutboundPayment[] = [...simplePayments, fullPayment, flowingPayment];

export const chainPosition: BlockLocator = {
  hash: "f0".repeat(32) as BlockHash,
  height: 800_000 as BlockHeight,
  ancestors: Array.from({ length: 12 }, (_, i) => `f${(i + 1).toString(16)}`.repeat(32) as BlockHash),
};
