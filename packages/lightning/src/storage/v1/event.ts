import type { KvEntry } from "../../chain/kvStore.ts";
import { array16 } from "../../codec/array.ts";
import { type Codec, decode, encode } from "../../codec/codec.ts";
import {
  bool,
  bytes32,
  channelId,
  msat64,
  nodeId,
  paymentHash,
  rest,
  sat64,
  shortChannelId,
  u16,
  u32,
  u64,
} from "../../codec/primitives.ts";
import type {
  ClaimedHtlc,
  ClosureReason,
  Event,
  IndexedEvent,
  NetworkUpdate,
  PaymentFailureReason,
  PaymentPurpose,
  ReceivedOnionFields,
} from "../../handlers/event.ts";
import type { Result } from "../../util/result.ts";
import { reading, type StorageError } from "../storageError.ts";
import { forwardEvents } from "./forwardEvents.ts";
import { layout, nameOf, needed, nested, possible, record, sized, union } from "./layouts.ts";
import { spendableOutput } from "./spendableOutput.ts";
import { count, outPoint, path, paymentId, text, tlvRecords, u128 } from "./values.ts";

export const closureReason: Codec<ClosureReason> = union<ClosureReason>("closure_reason", {
  "counterparty-force-closed": [
    0,
    {
      peerMessage: needed(0, text),
    },
  ],
  "holder-force-closed": [
    1,
    {
      message: needed(0, text),
      broadcastedLatestTxn: possible(1, bool),
    },
  ],
  "locally-initiated-cooperative-closure": [2, {}],
  "counterparty-initiated-cooperative-closure": [3, {}],
  "commitment-transaction-confirmed": [4, {}],
  "funding-timed-out": [5, {}],
  "processing-error": [6, { error: needed(0, text) }],
  "disconnected-peer": [7, {}],
  "counterparty-coop-closed-unfunded-channel": [8, {}],
  "locally-coop-closed-unfunded-channel": [9, {}],
  "peer-feerate-too-low": [
    10,
    {
      peerFeerate: needed(0, u64),
      requiredFeerate: needed(2, u64),
    },
  ],
  "lost-channel-state": [11, {}],
  "htlcs-timed-out": [12, { paymentHash: needed(0, paymentHash) }],
});

export const paymentFailureReason: Codec<PaymentFailureReason> = nameOf<PaymentFailureReason>(
  "payment_failure_reason",
  {
    "recipient-rejected": 0,
    "user-abandoned": 1,
    "retries-exhausted": 2,
    "payment-expired": 3,
    "route-not-found": 4,
    "unexpected-error": 5,
  },
);

const paymentPurpose: Codec<PaymentPurpose> = union<PaymentPurpose>("payment_purpose", {
  "bolt11-invoice": [
    0,
    {
      paymentPreimage: possible(0, bytes32),
      paymentSecret: needed(2, bytes32),
    },
  ],
  spontaneous: [1, { paymentPreimage: needed(0, bytes32) }],
});

const onionFields: Codec<ReceivedOnionFields> = layout<ReceivedOnionFields>("onion_fields", {
  paymentSecret: possible(0, bytes32 as Codec<Uint8Array>),
  paymentMetadata: possible(2, rest),
  customTlvs: needed(4, tlvRecords),
  totalAmount: needed(6, msat64),
});

const claimedHtlc: Codec<ClaimedHtlc> = nested<ClaimedHtlc>("claimed_htlc", {
  channelId: needed(0, channelId),
  userChannelId: needed(2, u128),
  cltvExpiry: needed(4, u32),
  value: needed(6, msat64),
  counterpartySkimmedFee: needed(8, msat64),
});

type SentPart = NonNullable<Extract<Event, { kind: "payment-path-successful" }>["sent"]>;

const sentPart: Codec<SentPart> = layout<SentPart>("sent_part", {
  channelId: needed(0, channelId),
  amount: needed(2, msat64),
});

const networkUpdate: Codec<NetworkUpdate> = union<NetworkUpdate>("network_update", {
  "channel-failure": [0, { shortChannelId: needed(0, shortChannelId), isPermanent: needed(2, bool) }],
  "node-failure": [1, { nodeId: needed(0, nodeId), isPermanent: needed(2, bool) }],
});

const event: Codec<Event> = union<Event>("event", {
  "funding-generation-ready": [
    0,
    {
      temporaryChannelId: needed(0, channelId),
      counterparty: needed(2, nodeId),
      channelValue: needed(4, sat64),
      outputScript: needed(6, rest),
      userChannelId: needed(8, u128),
    },
  ],
  "open-channel-request": [
    1,
    {
      temporaryChannelId: needed(0, channelId),
      counterparty: needed(2, nodeId),
      funding: needed(4, sat64),
      pushed: needed(6, msat64),
      channelType: needed(8, text),
      announced: needed(10, bool),
    },
  ],
  "channel-pending": [
    2,
    {
      channelId: needed(0, channelId),
      formerTemporaryChannelId: needed(2, channelId),
      counterparty: needed(4, nodeId),
      userChannelId: needed(6, u128),
      funding: needed(8, outPoint),
    },
  ],
  "channel-ready": [
    3,
    {
      channelId: needed(0, channelId),
      counterparty: needed(2, nodeId),
      userChannelId: needed(4, u128),
      channelType: needed(6, text),
    },
  ],
  "channel-closed": [
    4,
    {
      channelId: needed(0, channelId),
      counterparty: needed(2, nodeId),
      userChannelId: needed(4, u128),
      reason: needed(6, closureReason),
      capacity: possible(8, sat64),
      lastLocalBalance: possible(10, msat64),
      funding: possible(12, outPoint),
    },
  ],
  "discard-funding": [5, { channelId: needed(0, channelId), funding: needed(2, outPoint) }],
  "payment-claimable": [
    6,
    {
      paymentHash: needed(0, paymentHash),
      amount: needed(2, msat64),
      purpose: needed(4, paymentPurpose),
      claimDeadline: needed(6, u32),
      viaChannelIds: needed(8, array16(channelId)),
      receiverNodeId: possible(9, nodeId),
      counterpartySkimmedFee: possible(11, msat64),
      onionFields: possible(13, onionFields),
      paymentId: possible(15, paymentId),
    },
  ],
  "payment-claimed": [
    7,
    {
      paymentHash: needed(0, paymentHash),
      amount: needed(2, msat64),
      purpose: needed(4, paymentPurpose),
      receiverNodeId: possible(5, nodeId),
      htlcs: possible(7, array16(claimedHtlc)),
      senderIntendedTotal: possible(9, msat64),
      onionFields: possible(11, onionFields),
      paymentId: possible(13, paymentId),
    },
  ],
  "payment-sent": [
    8,
    {
      paymentId: needed(0, paymentId),
      paymentHash: needed(2, paymentHash),
      preimage: needed(4, bytes32),
      amount: needed(6, msat64),
      feePaid: needed(8, msat64),
    },
  ],
  "payment-failed": [
    9,
    {
      paymentId: needed(0, paymentId),
      paymentHash: needed(2, paymentHash),
      reason: needed(4, paymentFailureReason),
    },
  ],
  "payment-path-successful": [
    10,
    {
      paymentId: needed(0, paymentId),
      paymentHash: needed(2, paymentHash),
      path: needed(4, path),
      holdTimes: possible(5, array16(u32)),
      finalValue: possible(7, msat64),
      sent: possible(9, sentPart),
    },
  ],
  "payment-path-failed": [
    11,
    {
      paymentId: needed(0, paymentId),
      paymentHash: needed(2, paymentHash),
      path: needed(4, path),
      failureCode: possible(6, u16),
      failureName: possible(8, text),
      shortChannelId: possible(10, shortChannelId),
      paymentFailedPermanently: needed(12, bool),
      holdTimes: possible(13, array16(u32)),
      networkUpdate: possible(15, networkUpdate),
      finalValue: possible(17, msat64),
    },
  ],
  "probe-successful": [
    20,
    {
      paymentId: needed(0, paymentId),
      paymentHash: needed(2, paymentHash),
      path: needed(4, path),
      finalValue: possible(5, msat64),
    },
  ],
  "probe-failed": [
    21,
    {
      paymentId: needed(0, paymentId),
      paymentHash: needed(2, paymentHash),
      path: needed(4, path),
      shortChannelId: possible(6, shortChannelId),
      networkUpdate: possible(8, networkUpdate),
      finalValue: possible(9, msat64),
    },
  ],
  ...forwardEvents,
  "spendable-outputs": [
    14,
    {
      channelId: needed(0, channelId),
      counterparty: needed(2, nodeId),
      outputs: needed(4, array16(sized(spendableOutput))),
      isTracked: possible(5, bool),
    },
  ],
});

const indexedEvent = record(
  layout<IndexedEvent>("event_row", { index: needed(0, count), event: needed(2, event) }),
);

const eventAck = record(layout<EventAck>("event_ack", { index: needed(0, count) }));

interface EventAck {
  readonly index: number;
}

/** The record `event/<index>`. */
export function encodeIndexedEvent(indexed: IndexedEvent): Uint8Array {
  return encode(indexedEvent, indexed);
}

export function readIndexedEvent({ key, value }: KvEntry): Result<IndexedEvent, StorageError> {
  return reading(key, () => decode(indexedEvent, value));
}

/** The record `event-ack`: the index of the last event that was acknowledged. */
export function encodeEventAck(index: number): Uint8Array {
  return encode(eventAck, { index });
}

export function readEventAck({ key, value }: KvEntry): Result<number, StorageError> {
  return reading(key, () => decode(eventAck, value).index);
}
