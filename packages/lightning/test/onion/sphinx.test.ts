import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { Writer } from "@fulmen/lightning/codec";
import { concatBytes, fromHex, type Point, toHex } from "@fulmen/lightning/util";
import fc from "fast-check";
import { applyStream, blindedNodeFactor, onionKey } from "#src/onion/onionKeys";
import { joinOnionPacket, largeMessagePayloadsLength, packetOverhead } from "#src/onion/onionPacket";
import { peelOnion } from "#src/onion/peel";
import { buildOnion, onionPayloadSize, pathSecrets } from "#src/onion/sphinx";

interface OnionVector {
  readonly sessionKey: string;
  readonly associatedData: string;
  readonly hops: readonly {
    readonly nodeSecret: string;
    readonly nodeId: string;
    readonly payload: string;
  }[];
  readonly packet: string;
}

const vector: OnionVector = JSON.parse(
  readFileSync(new URL("../../../../fixtures/bolt04/onion.json", import.meta.url), "utf8"),
);
const errorVector: { readonly hops: readonly { readonly sharedSecret: string }[] } = JSON.parse(
  readFileSync(new URL("../../../../fixtures/bolt04/onion-error.json", import.meta.url), "utf8"),
);
const hash = fromHex(vector.associatedData);

/** The vector's payloads have their length in front. */
function withoutLength(payload: string): Uint8Array {
  const bytes = fromHex(payload);
  return bytes.subarray(bytes[0] === 0xfd ? 3 : 1);
}

const vectorHops = vector.hops.map(({ nodeId, payload }) => ({
  nodeId: fromHex(nodeId) as Point,
  payload: withoutLength(payload),
}));

function ecdhOf(secret: Uint8Array): (point: Point) => Uint8Array {
  return (point) => crypto().ecdh(secret, point);
}

function nodeSecret(index: number): Uint8Array {
  return new Uint8Array(32).fill(index + 1);
}

function pathOf(length: number): Point[] {
  return Array.from({ length }, (_, index) => crypto().publicKey(nodeSecret(index)) as Point);
}

/** A packet for node 1 whose payloads start with `head` in the clear, with a right HMAC. */
function forgedPacket(head: Uint8Array, payloadsLength = 1300): Uint8Array {
  const sessionKey = new Uint8Array(32).fill(9);
  const { ephemeralKey, sharedSecrets } = pathSecrets(sessionKey, pathOf(1));
  const secret = sharedSecrets[0] ?? new Uint8Array();
  const clear = new Uint8Array(payloadsLength);
  clear.set(head);
  const payloads = applyStream(onionKey("rho", secret), clear);
  const hmac = crypto().hmacSha256(onionKey("mu", secret), concatBytes(payloads, hash));
  return joinOnionPacket({ version: 0, publicKey: ephemeralKey, payloads, hmac });
}

function peelAsNode(index: number, packet: Uint8Array) {
  return peelOnion({ packet, associatedData: hash, ecdh: ecdhOf(nodeSecret(index)) });
}

describe("buildOnion", () => {
  it("makes the packet of BOLT 4's vector", () => {
    const built = buildOnion({
      hops: vectorHops,
      sessionKey: fromHex(vector.sessionKey),
      associatedData: hash,
    });
    assert.ok(built.ok);
    assert.equal(toHex(built.value.packet), vector.packet);
    assert.deepEqual(
      built.value.sharedSecrets.map(toHex),
      errorVector.hops.map(({ sharedSecret }) => sharedSecret),
    );
  });

  it("fills the payloads to the last byte and refuses one more", () => {
    const [nodeId] = pathOf(1);
    assert.ok(nodeId !== undefined);
    const plan = { sessionKey: new Uint8Array(32).fill(7), associatedData: hash };
    const full = new Uint8Array(1300 - 35).fill(5);
    const built = buildOnion({ ...plan, hops: [{ nodeId, payload: full }] });
    assert.ok(built.ok);
    assert.equal(built.value.packet.length, 1366);
    const peeled = peelAsNode(0, built.value.packet);
    assert.ok(peeled.ok);
    assert.deepEqual(peeled.value.payload, full);
    assert.equal(peeled.value.nextPacket, undefined);
    assert.deepEqual(buildOnion({ ...plan, hops: [{ nodeId, payload: new Uint8Array(1300 - 34) }] }), {
      ok: false,
      error: { kind: "onion-too-large", needed: 1301, available: 1300 },
    });
  });

  it("carries any path that fits, hop by hop", () => {
    const payloads = fc.array(fc.uint8Array({ minLength: 2, maxLength: 300 }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(payloads, fc.constantFrom(1300, 3000), (drawn, payloadsLength) => {
        const path = pathOf(drawn.length);
        const hops = drawn.map((payload, i) => ({ nodeId: path[i] ?? assert.fail(), payload }));
        const needed = drawn.reduce((total, { length }) => total + onionPayloadSize(length), 0);
        const sessionKey = new Uint8Array(32).fill(3);
        const built = buildOnion({ hops, sessionKey, associatedData: hash, payloadsLength });
        assert.equal(built.ok, needed <= payloadsLength);
        if (!built.ok) return;
        let packet: Uint8Array | undefined = built.value.packet;
        for (const [index, payload] of drawn.entries()) {
          assert.ok(packet !== undefined);
          assert.equal(packet.length, payloadsLength + packetOverhead);
          const peeled = peelAsNode(index, packet);
          assert.ok(peeled.ok);
          assert.deepEqual(peeled.value.payload, payload);
          assert.deepEqual(peeled.value.sharedSecret, built.value.sharedSecrets[index]);
          packet = peeled.value.nextPacket;
        }
        assert.equal(packet, undefined);
      }),
      { seed: 4, numRuns: 12 },
    );
  });

  it("carries a large onion message", () => {
    const [nodeId] = pathOf(1);
    assert.ok(nodeId !== undefined);
    const payload = new Uint8Array(30_000).fill(1);
    const built = buildOnion({
      hops: [{ nodeId, payload }],
      sessionKey: nodeSecret(5),
      associatedData: new Uint8Array(0),
      payloadsLength: largeMessagePayloadsLength,
    });
    assert.ok(built.ok);
    assert.equal(built.value.packet.length, 32_834);
    const peeled = peelOnion({
      packet: built.value.packet,
      associatedData: new Uint8Array(0),
      ecdh: ecdhOf(nodeSecret(0)),
    });
    assert.ok(peeled.ok);
    assert.deepEqual(peeled.value.payload, payload);
  });
});

describe("peelOnion", () => {
  it("reads every layer of BOLT 4's vector", () => {
    let packet: Uint8Array | undefined = fromHex(vector.packet);
    for (const [index, hop] of vector.hops.entries()) {
      assert.ok(packet !== undefined);
      const peeled = peelOnion({ packet, associatedData: hash, ecdh: ecdhOf(fromHex(hop.nodeSecret)) });
      assert.ok(peeled.ok);
      assert.deepEqual(peeled.value.payload, vectorHops[index]?.payload);
      packet = peeled.value.nextPacket;
    }
    assert.equal(packet, undefined);
  });

  it("reads a packet for a blinded node id", () => {
    const pathSecret = new Uint8Array(32).fill(0x21);
    const pathKey = crypto().publicKey(pathSecret) as Point;
    const [nodeId] = pathOf(1);
    assert.ok(nodeId !== undefined);
    const blinded = crypto().pointMultiply(nodeId, blindedNodeFactor(crypto().ecdh(pathSecret, nodeId)));
    const built = buildOnion({
      hops: [{ nodeId: blinded as Point, payload: Uint8Array.of(10, 0) }],
      sessionKey: nodeSecret(8),
      associatedData: hash,
    });
    assert.ok(built.ok);
    const request = { packet: built.value.packet, associatedData: hash, ecdh: ecdhOf(nodeSecret(0)) };
    const peeled = peelOnion({ ...request, pathKey });
    assert.ok(peeled.ok);
    assert.deepEqual(peeled.value.payload, Uint8Array.of(10, 0));
    const unblinded = peelOnion(request);
    assert.ok(!unblinded.ok && unblinded.error.kind === "bad-onion");
    assert.equal(unblinded.error.failure, "invalid_onion_hmac");
  });

  const good = forgedPacket(Uint8Array.of(2, 0, 0));
  const broken: readonly [string, (packet: Uint8Array) => Uint8Array, string][] = [
    ["version 1", (packet) => packet.fill(1, 0, 1), "invalid_onion_version"],
    ["no bytes", () => new Uint8Array(0), "invalid_onion_version"],
    ["a packet cut within its HMAC", (packet) => packet.subarray(0, 65), "invalid_onion_version"],
    ["a packet without payloads", (packet) => packet.subarray(0, 66), "invalid_onion_hmac"],
    ["a key that is no point", (packet) => packet.fill(0xff, 1, 34), "invalid_onion_key"],
    ["a key that is an uncompressed prefix", (packet) => packet.fill(4, 1, 2), "invalid_onion_key"],
    ["a payload byte changed", (packet) => packet.fill(0, 700, 704), "invalid_onion_hmac"],
    ["an HMAC changed", (packet) => packet.fill(0, 1334), "invalid_onion_hmac"],
  ];
  for (const [name, damage, failure] of broken) {
    it(`refuses ${name} -- ${failure}`, () => {
      const packet = damage(Uint8Array.from(good));
      const peeled = peelAsNode(0, packet);
      assert.deepEqual(peeled, {
        ok: false,
        error: { kind: "bad-onion", failure, sha256OfOnion: crypto().sha256(packet) },
      });
    });
    it(`says no more than invalid_onion_blinding behind a path key -- ${name}`, () => {
      const packet = damage(Uint8Array.from(good));
      const pathKey = crypto().publicKey(nodeSecret(30)) as Point;
      const peeled = peelOnion({ packet, associatedData: hash, ecdh: ecdhOf(nodeSecret(0)), pathKey });
      assert.ok(!peeled.ok && peeled.error.kind === "bad-onion");
      assert.equal(peeled.error.failure, "invalid_onion_blinding");
    });
  }

  it("refuses another payment hash", () => {
    const peeled = peelOnion({
      packet: good,
      associatedData: new Uint8Array(32),
      ecdh: ecdhOf(nodeSecret(0)),
    });
    assert.ok(!peeled.ok && peeled.error.kind === "bad-onion");
    assert.equal(peeled.error.failure, "invalid_onion_hmac");
  });

  const lengths: readonly [string, Uint8Array][] = [
    ["0 (the legacy format)", Uint8Array.of(0)],
    ["1 (reserved)", Uint8Array.of(1)],
    ["one more than fits", new Writer().bigSize(1300 - 3 - 32 + 1).finish()],
    ["the whole packet", new Writer().bigSize(1300).finish()],
    ["2^32 - 1", new Writer().bigSize(0xffff_ffff).finish()],
    ["2^53", new Writer().bigSize(2n ** 53n).finish()],
    ["2^64 - 1", new Writer().bigSize(0xffff_ffff_ffff_ffffn).finish()],
    ["not in its shortest form", Uint8Array.of(0xfd, 0, 5)],
  ];
  for (const [name, head] of lengths) {
    it(`refuses a payload length of ${name}, with the secret to answer by`, () => {
      const peeled = peelAsNode(0, forgedPacket(head));
      assert.ok(!peeled.ok && peeled.error.kind === "bad-payload-length");
      assert.equal(peeled.error.sharedSecret.length, 32);
    });
  }

  it("refuses payloads too short to hold a length", () => {
    const peeled = peelAsNode(0, forgedPacket(Uint8Array.of(0xfd, 1), 2));
    assert.ok(!peeled.ok && peeled.error.kind === "bad-payload-length");
  });

  it("answers any bytes with a value", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1400 }), (packet) => {
        assert.equal(peelAsNode(0, packet).ok, false);
      }),
      { seed: 4, numRuns: 100 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), (head) => {
        const peeled = peelAsNode(0, forgedPacket(head));
        assert.ok(peeled.ok || peeled.error.kind === "bad-payload-length");
      }),
      { seed: 4, numRuns: 40 },
    );
  });
});
