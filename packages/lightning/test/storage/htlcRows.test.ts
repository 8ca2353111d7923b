import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disposition } from "#src/channel/disposition";
import { decode, encode } from "#src/codec/codec";
import type { IndexedEvent } from "#src/handlers/event";
import { encodeIndexedEvent, readIndexedEvent } from "#src/storage/v1/event";
import { dispositionRow, htlcStaticRow, onionRow } from "#src/storage/v1/htlcRows";
import { type Bytes32, fromHex, type Point, toHex } from "#src/util/bytes";
import {
  type ChannelId,
  commitmentNumber,
  type NodeId,
  type PaymentHash,
  type PaymentId,
} from "#src/util/ids";
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

test("an onion is stored as what it was made of, or not again where it is inside of another one", () => {
  const ours = { payloads: [Uint8Array.of(1, 2), Uint8Array.of(3, 4, 5)] };
  const written = encode(onionRow, ours);
  assert.equal(toHex(written), "0101060702010203030405");
  assert.deepEqual(decode(onionRow, written), ours);
  const outgoing = { channelId: "11".repeat(32) as ChannelId, htlcId: 7n };
  const disposition = { kind: "forwarded", outgoing, sharedSecret: bytes32(1), keepsOnion: true } as const;
  const kept = encode(dispositionRow, { disposition });
  assert.deepEqual(decode(dispositionRow, kept), { disposition });
  assert.ok(toHex(kept).endsWith(`0220${"01".repeat(32)}0600`));
  const source = {
    kind: "forwarded",
    incoming: outgoing,
    sharedSecret: bytes32(1),
    incomingAmount: msat(9),
    onionInside: true,
  } as const;
  const htlc = {
    direction: "outgoing",
    id: 3n,
    amount: msat(8),
    paymentHash: "22".repeat(32),
    cltvExpiry: 5,
  } as never;
  const row = encode(htlcStaticRow, { htlc, source, remoteEntered: commitmentNumber(300) });
  assert.deepEqual(decode(htlcStaticRow, row), { htlc, source, remoteEntered: 300 });
  assert.ok(toHex(row).endsWith("0a000602ac02"));
});

test("where an HTLC stands in a blinded path is stored as long as it may fail, and its path key with the onion", () => {
  const outgoing = { channelId: "11".repeat(32) as ChannelId, htlcId: 7n };
  for (const [blinded, byte] of [
    ["introduction", "00"],
    ["inner", "01"],
  ] as const) {
    const disposition = { kind: "forwarded", outgoing, sharedSecret: bytes32(1), blinded } as const;
    const written = encode(dispositionRow, { disposition });
    assert.deepEqual(decode(dispositionRow, written), { disposition });
    assert.ok(toHex(written).endsWith(`0220${"01".repeat(32)}0401${byte}`));
    const claimable = {
      kind: "claimable",
      sharedSecret: bytes32(1),
      totalAmount: msat(1),
      spontaneous: false,
      blinded,
    } as const;
    const kept = encode(dispositionRow, { disposition: claimable });
    assert.deepEqual(decode(dispositionRow, kept), { disposition: claimable });
    assert.ok(toHex(kept).endsWith(`1201${byte}`));
    const source = {
      kind: "forwarded",
      incoming: outgoing,
      sharedSecret: bytes32(1),
      incomingAmount: msat(9),
      blinded,
    } as const;
    const htlc = {
      direction: "outgoing",
      id: 3n,
      amount: msat(8),
      paymentHash: "22".repeat(32),
      cltvExpiry: 5,
    } as never;
    const row = encode(htlcStaticRow, { htlc, source });
    assert.deepEqual(decode(htlcStaticRow, row).source, source);
    assert.ok(toHex(row).endsWith(`0601${byte}`));
  }
  const pathKey = fromHex(`02${"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"}`) as Point;
  const onion = { onion: Uint8Array.of(1), pathKey };
  const written = encode(onionRow, onion);
  assert.deepEqual(decode(onionRow, written), onion);
  assert.ok(toHex(written).endsWith(`0421${toHex(pathKey)}`));
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

test("what a trampoline onion sends onward is stored with all that the way on and back needs", () => {
  const part = {
    kind: "trampoline",
    sharedSecret: bytes32(1),
    trampolineSharedSecret: bytes32(2),
    totalAmount: msat(2n ** 64n - 1n),
    intendedAmount: msat(5),
    payload: new Uint8Array(46).fill(3),
  } as const;
  for (const disposition of [
    part,
    { ...part, paymentSecret: bytes32(4), packet: new Uint8Array(466).fill(5) },
  ]) {
    assert.deepEqual(decode(dispositionRow, encode(dispositionRow, { disposition })), { disposition });
  }
  const received = {
    kind: "claimable",
    sharedSecret: bytes32(1),
    totalAmount: msat(1),
    spontaneous: false,
    trampolineSharedSecret: bytes32(2),
  } as const;
  const written = encode(dispositionRow, { disposition: received });
  assert.deepEqual(decode(dispositionRow, written), { disposition: received });
  assert.ok(toHex(written).endsWith(`1420${"02".repeat(32)}`));
});
