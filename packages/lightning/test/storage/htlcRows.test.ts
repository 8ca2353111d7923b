import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disposition } from "#src/channel/disposition";
import { decode, encode } from "#src/codec/codec";
import type { IndexedEvent } from "#src/handlers/event";
import { encodeIndexedEvent, readIndexedEvent } from "#src/storage/v1/event";
import { dispositionRow, onionRow } from "#src/storage/v1/htlcRows";
import type { Bytes32 } from "#src/util/bytes";
import type { ChannelId, NodeId, PaymentHash, PaymentId } from "#src/util/ids";
import { msat } from "#src/util/units";

const bytes32 = (fill: number): Bytes32 => new Uint8Array(32).fill(fill) as Bytes32;

test("a spontaneous payment has no payment secret, and is stored all the same", () => {
  const disposition: Exclude<Disposition, { readonly kind: "undecided" }> = {
    kind: "claimable",
    sharedSecret: bytes32(1),
    totalAmount: msat(8_000_000n),
    preimage: bytes32(2),
    spontaneous: true,
  };
  assert.deepEqual(decode(dispositionRow, encode(dispositionRow, { disposition })), { disposition });
});

const customTlvs = [
  { type: 65_536n, value: new Uint8Array(0) },
  { type: 65_537n, value: new Uint8Array(1_000).fill(3) },
  { type: 2n ** 64n - 1n, value: Uint8Array.of(1) },
];

test("a part of a payment is stored with all that its payer wrote, and for whom it was", () => {
  const disposition: Exclude<Disposition, { readonly kind: "undecided" }> = {
    kind: "claimable",
    sharedSecret: bytes32(1),
    paymentSecret: bytes32(2),
    totalAmount: msat(2n ** 64n - 1n),
    spontaneous: false,
    phantomSharedSecret: bytes32(3),
    customTlvs,
    intendedAmount: msat(5),
    paymentMetadata: new Uint8Array(0),
  };
  assert.deepEqual(decode(dispositionRow, encode(dispositionRow, { disposition })), { disposition });
});

test("what a peer says it kept is stored with the onion until it is read", () => {
  const row = { onion: new Uint8Array(1_366).fill(1), skimmedFee: msat(2n ** 64n - 1n) };
  assert.deepEqual(decode(onionRow, encode(onionRow, row)), row);
});

test("events of payments to us are stored with all their fields", () => {
  const channelId = "11".repeat(32) as ChannelId;
  const common = {
    paymentHash: "22".repeat(32) as PaymentHash,
    paymentId: "33".repeat(32) as PaymentId,
    receiverNodeId: `02${"44".repeat(32)}` as NodeId,
    amount: msat(7),
    purpose: { kind: "bolt11-invoice", paymentSecret: bytes32(5) },
    onionFields: {
      paymentSecret: bytes32(5),
      paymentMetadata: Uint8Array.of(6),
      customTlvs,
      totalAmount: msat(8),
    },
  } as const;
  const htlc = { channelId, userChannelId: 2n ** 128n - 1n, cltvExpiry: 900_000, value: msat(7) };
  const events: readonly IndexedEvent["event"][] = [
    {
      kind: "payment-claimable",
      ...common,
      claimDeadline: 800_000,
      viaChannelIds: [channelId],
      counterpartySkimmedFee: msat(1),
    },
    {
      kind: "payment-claimed",
      ...common,
      senderIntendedTotal: msat(8),
      htlcs: [
        { ...htlc, counterpartySkimmedFee: msat(1) },
        { ...htlc, counterpartySkimmedFee: msat(0) },
      ],
    },
  ];
  for (const event of events) {
    const indexed = { index: 3, event };
    const value = encodeIndexedEvent(indexed);
    assert.deepEqual(readIndexedEvent({ key: "event", value }), { ok: true, value: indexed });
  }
});
