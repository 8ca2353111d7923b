import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import {
  type Bytes32,
  blockHeight,
  fromHex,
  msat,
  type NodeId,
  type Point,
  paymentHashOf,
  type ShortChannelId,
  toHex,
} from "@fulmen/lightning/util";
import fc from "fast-check";
import { decodeHopPayload, encodeHopPayload, type HopPayload } from "#src/onion/hopPayload";
import { buildPaymentOnion, paymentPayloads } from "#src/onion/paymentOnion";
import { peelOnion } from "#src/onion/peel";

const forwarding = { isFinal: false, hasPathKey: false };
const receiving = { isFinal: true, hasPathKey: false };
const keyHex = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";
const secret = new Uint8Array(32).fill(0x22) as Bytes32;

function refusal(hex: string, context = receiving) {
  const decoded = decodeHopPayload(fromHex(hex), context);
  if (decoded.ok) assert.fail(`accepted as ${decoded.value.kind}`);
  const { failure, type, offset } = decoded.error;
  return { failure, type, offset };
}

describe("decodeHopPayload", () => {
  it("reads a forward payload and ignores odd records (BOLT 4's onion vector)", () => {
    const hex = `020236b00402057806080000000000000002fd02013c${"0102".repeat(30)}`;
    assert.deepEqual(decodeHopPayload(fromHex(hex), forwarding), {
      ok: true,
      value: { kind: "forward", amountToForward: 14000n, outgoingCltv: 1400, shortChannelId: 2n },
    });
  });

  it("reads a final payload with all its records", () => {
    const good = `02022710040203e80822${"22".repeat(32)}27101003fafaf0fd0101012afe0001000001aafe0001000101bb`;
    assert.deepEqual(decodeHopPayload(fromHex(good), receiving), {
      ok: true,
      value: {
        kind: "final",
        amount: 10000n,
        outgoingCltv: 1000,
        paymentData: { paymentSecret: secret, totalAmount: 10000n },
        paymentMetadata: fromHex("fafaf0"),
        customTlvs: [
          { type: 65536n, value: Uint8Array.of(0xaa) },
          { type: 65537n, value: Uint8Array.of(0xbb) },
        ],
      },
    });
  });

  it("reads a spontaneous payment", () => {
    const hex = `020101040101ff0000000146c6616c20${"33".repeat(32)}`;
    const decoded = decodeHopPayload(fromHex(hex), receiving);
    assert.ok(decoded.ok && decoded.value.kind === "final");
    assert.deepEqual(decoded.value.keysendPreimage, new Uint8Array(32).fill(0x33));
  });

  it("reads blinded payloads (BOLT 4's blinded payment vector)", () => {
    const bob = fromHex(`0a03aabbcc0c21${keyHex}`);
    assert.deepEqual(decodeHopPayload(bob, forwarding), {
      ok: true,
      value: {
        kind: "blinded-forward",
        encryptedRecipientData: fromHex("aabbcc"),
        currentPathKey: fromHex(keyHex),
      },
    });
    const eve = fromHex("020301e24004030b6dc80a03aabbcc1203030d40");
    const decoded = decodeHopPayload(eve, { isFinal: true, hasPathKey: true });
    assert.deepEqual(decoded, {
      ok: true,
      value: {
        kind: "blinded-final",
        encryptedRecipientData: fromHex("aabbcc"),
        amount: 123456n,
        outgoingCltv: 749000,
        totalAmount: 200000n,
      },
    });
  });

  const payloadFailure = "invalid_onion_payload";
  const refused: readonly [string, string, typeof receiving, bigint, number][] = [
    ["no amount", "040101", receiving, 2n, 0],
    ["no expiry", "020101", receiving, 4n, 0],
    ["no channel to forward over", "020101040101", forwarding, 6n, 0],
    ["a channel at the recipient", "02010104010106080000000000000001", receiving, 6n, 6],
    [
      "payment data at a forwarder",
      `020101040101060800000000000000010820${"00".repeat(32)}`,
      forwarding,
      8n,
      16,
    ],
    ["payment metadata at a forwarder", "02010104010106080000000000000001100100", forwarding, 16n, 16],
    [
      "a preimage at a forwarder",
      `02010104010106080000000000000001ff0000000146c6616c20${"33".repeat(32)}`,
      forwarding,
      5482373484n,
      16,
    ],
    ["a total without blinding", "020101040101120101", receiving, 18n, 6],
    ["a path key without blinding", `0201010401010c21${keyHex}`, receiving, 10n, 0],
    ["an unknown even record", "0201010401010e00", receiving, 14n, 8],
    [
      "a custom even record at a forwarder",
      "02010104010106080000000000000001fe0001000000",
      forwarding,
      65536n,
      16,
    ],
    ["records out of order", "040101020101", receiving, 0n, 4],
    ["a record twice", "020101020101040101", receiving, 0n, 4],
    ["a type not in its shortest form", "fd00020101040101", receiving, 0n, 3],
    ["a length not in its shortest form", "02fd000101040101", receiving, 0n, 4],
    ["a length beyond the end", "0209010401", receiving, 2n, 2],
    ["a length of 2^64 - 1", "02ffffffffffffffffff01", receiving, 2n, 10],
    ["an amount with a leading zero", "02020001040101", receiving, 2n, 3],
    ["an amount of nine bytes", "0209010101010101010101040101", receiving, 2n, 2],
    ["an expiry of five bytes", "02010104050101010101", receiving, 4n, 5],
    ["an expiry that is a time", "02010104041dcd6500", receiving, 4n, 3],
    ["a short channel id of seven bytes", "020101040101060700000000000001", forwarding, 6n, 8],
    ["a payment secret of 31 bytes", `020101040101081f${"00".repeat(31)}`, receiving, 8n, 8],
    [
      "a preimage of 33 bytes",
      `020101040101ff0000000146c6616c21${"33".repeat(33)}`,
      receiving,
      5482373484n,
      48,
    ],
    ["a cut record", "02", receiving, 0n, 1],
    ["no bytes", "", receiving, 2n, 0],
  ];
  for (const [name, hex, context, type, offset] of refused) {
    it(`refuses ${name}`, () => {
      assert.deepEqual(refusal(hex, context), { failure: payloadFailure, type, offset });
    });
  }

  const viaPath = { isFinal: false, hasPathKey: true };
  const blinded: readonly [string, string, typeof receiving, bigint][] = [
    ["two path keys", `0a01000c21${keyHex}`, viaPath, 12n],
    ["no path key", "0a0100", forwarding, 12n],
    ["a path key and no data", "02010104010106080000000000000001", viaPath, 10n],
    ["an amount at a blinded forwarder", "0201010a0100", viaPath, 2n],
    ["an odd record at a blinded forwarder", "0a01000d00", viaPath, 13n],
    ["a blinded recipient without a total", "0201010401010a0100", { isFinal: true, hasPathKey: true }, 18n],
    [
      "a custom record at a blinded recipient",
      "0201010401010a0100120101fe0001000100",
      { isFinal: true, hasPathKey: true },
      65537n,
    ],
    ["a path key that is no point", `0a01000c21${"00".repeat(33)}`, viaPath, 12n],
  ];
  for (const [name, hex, context, type] of blinded) {
    it(`refuses ${name}`, () => {
      const { failure, type: found } = refusal(hex, context);
      assert.equal(found, type);
      assert.equal(failure, context.hasPathKey ? "invalid_onion_blinding" : payloadFailure);
    });
  }

  it("says invalid_onion_blinding at the first node of a blinded path, but not at a recipient", () => {
    assert.equal(refusal(`0201010a01000c21${keyHex}`, forwarding).failure, "invalid_onion_blinding");
    assert.equal(refusal(`0201010a01000c21${keyHex}`, receiving).failure, payloadFailure);
  });

  it("answers any bytes with a value", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.boolean(),
        fc.boolean(),
        (payload, isFinal, hasPathKey) => {
          const decoded = decodeHopPayload(payload, { isFinal, hasPathKey });
          assert.ok(decoded.ok || decoded.error.kind === "invalid-payload");
        },
      ),
      { seed: 4, numRuns: 300 },
    );
  });

  it("reads what encodeHopPayload wrote", () => {
    const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => msat(value));
    const height = fc.integer({ min: 0, max: 499_999_999 }).map((value) => blockHeight(value));
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((value) => value as Bytes32);
    const data = fc.uint8Array({ maxLength: 80 });
    const plain = { noNullPrototype: true } as const;
    const customTlvs = fc
      .uniqueArray(fc.record({ type: fc.bigInt({ min: 65536n, max: 5_000_000_000n }), value: data }, plain), {
        selector: ({ type }) => type,
        maxLength: 3,
      })
      .map((records) => records.sort((a, b) => Number(a.type - b.type)));
    const pathKey = fc.constantFrom({}, { currentPathKey: fromHex(keyHex) as Point });
    const payloads: fc.Arbitrary<HopPayload> = fc.oneof(
      fc.record(
        {
          kind: fc.constant("forward" as const),
          amountToForward: u64,
          outgoingCltv: height,
          shortChannelId: u64.map((value) => BigInt(value) as ShortChannelId),
        },
        plain,
      ),
      fc.record(
        {
          kind: fc.constant("final" as const),
          amount: u64,
          outgoingCltv: height,
          customTlvs,
          paymentData: fc.record({ paymentSecret: bytes32, totalAmount: u64 }, plain),
          paymentMetadata: data,
          keysendPreimage: bytes32,
        },
        { ...plain, requiredKeys: ["kind", "amount", "outgoingCltv", "customTlvs"] },
      ),
      fc
        .tuple(
          fc.record({ kind: fc.constant("blinded-forward" as const), encryptedRecipientData: data }),
          pathKey,
        )
        .map(([payload, key]) => ({ ...payload, ...key })),
      fc
        .tuple(
          fc.record({
            kind: fc.constant("blinded-final" as const),
            encryptedRecipientData: data,
            amount: u64,
            outgoingCltv: height,
            totalAmount: u64,
          }),
          pathKey,
        )
        .map(([payload, key]) => ({ ...payload, ...key })),
    );
    fc.assert(
      fc.property(payloads, (payload) => {
        const isFinal = payload.kind.endsWith("final");
        const hasPathKey = payload.kind.startsWith("blinded") && !("currentPathKey" in payload);
        const decoded = decodeHopPayload(encodeHopPayload(payload), { isFinal, hasPathKey });
        assert.deepEqual(decoded, { ok: true, value: payload });
      }),
      { seed: 4, numRuns: 200 },
    );
  });
});

describe("buildPaymentOnion", () => {
  const nodes = [1, 2, 3].map((n) => {
    const key = new Uint8Array(32).fill(n);
    return { key, nodeId: toHex(crypto().publicKey(key)) as NodeId };
  });
  const hops = nodes.map(({ nodeId }, index) => ({
    nodeId,
    shortChannelId: BigInt(index + 1) as ShortChannelId,
    amount: msat(1000 + 10 * (2 - index)),
    cltvExpiry: blockHeight(700 + 40 * (2 - index)),
  }));
  const recipient = {
    paymentSecret: secret,
    totalAmount: msat(5000),
    paymentMetadata: Uint8Array.of(1),
    customTlvs: [{ type: 65_537n, value: Uint8Array.of(9) }],
  };

  it("tells every node of the step behind it", () => {
    assert.deepEqual(paymentPayloads(hops, recipient), [
      { kind: "forward", amountToForward: 1010n, outgoingCltv: 740, shortChannelId: 2n },
      { kind: "forward", amountToForward: 1000n, outgoingCltv: 700, shortChannelId: 3n },
      {
        kind: "final",
        amount: 1000n,
        outgoingCltv: 700,
        paymentData: { paymentSecret: secret, totalAmount: 5000n },
        paymentMetadata: Uint8Array.of(1),
        customTlvs: recipient.customTlvs,
      },
    ]);
  });

  it("makes an onion that each node reads", () => {
    const paymentHash = paymentHashOf(new Uint8Array(32).fill(5));
    const built = buildPaymentOnion({ hops, recipient, paymentHash, sessionKey: new Uint8Array(32).fill(6) });
    assert.ok(built.ok);
    let packet: Uint8Array | undefined = built.value.packet;
    for (const [index, expected] of paymentPayloads(hops, recipient).entries()) {
      assert.ok(packet !== undefined);
      const ecdh = (point: Point) => crypto().ecdh(nodes[index]?.key ?? assert.fail(), point);
      const peeled = peelOnion({ packet, associatedData: fromHex(paymentHash), ecdh });
      assert.ok(peeled.ok);
      const isFinal = peeled.value.nextPacket === undefined;
      assert.deepEqual(decodeHopPayload(peeled.value.payload, { isFinal, hasPathKey: false }), {
        ok: true,
        value: expected,
      });
      packet = peeled.value.nextPacket;
    }
    assert.equal(packet, undefined);
  });

  it("refuses metadata that does not fit", () => {
    const built = buildPaymentOnion({
      hops,
      recipient: { ...recipient, paymentMetadata: new Uint8Array(1300) },
      paymentHash: paymentHashOf(new Uint8Array(32)),
      sessionKey: new Uint8Array(32).fill(6),
    });
    assert.ok(!built.ok && built.error.kind === "onion-too-large");
  });
});
