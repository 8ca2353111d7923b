import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import {
  buildOnion,
  createFailure,
  decodeFailure,
  decodeHopPayload,
  encodeHopPayload,
  type HopPayload,
  type PayloadContext,
  pathSecrets,
  peelOnion,
  unwrapReason,
  wrapFailurePacket,
} from "@fulmen/lightning/onion";
import {
  blockHeight,
  fromHex,
  msat,
  nodeIdOf,
  type Point,
  paymentHashOf,
  toHex,
} from "@fulmen/lightning/util";
import { decodeFailureMessage, encodeFailureMessage, type FailureMessage } from "@fulmen/lightning/wire";
import { buildTrampolineOnion } from "#src/onion/trampolineOnion";

interface HopVector {
  readonly nodeId?: string;
  readonly pubkey?: string;
  readonly payload?: { readonly hex: string };
  readonly encodedTlvs?: string;
  readonly sharedSecret?: string;
}

interface OnionVector {
  readonly associatedData: string;
  readonly sessionKey: string;
  readonly hops: readonly HopVector[];
  readonly onion: string;
}

type Vectors = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

type Named<K extends string> = Readonly<Record<K, string>>;

function casesOf(name: string): readonly Vectors[] {
  const url = new URL(`../../../../fixtures/bolt04/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(url, "utf8")) as { readonly cases: readonly Vectors[] }).cases;
}

function part<T>(vectors: Vectors, name: string): T {
  return (vectors[name] ?? assert.fail(name)) as T;
}

/** A payload without the length before it. */
function payloadOf({ payload, encodedTlvs }: HopVector): Uint8Array {
  const bytes = fromHex(payload?.hex ?? encodedTlvs ?? assert.fail("a payload"));
  return bytes.subarray(bytes[0] === 0xfd ? 3 : 1);
}

const keyOf = ({ nodeId, pubkey }: HopVector) => fromHex(nodeId ?? pubkey ?? assert.fail("a key")) as Point;

function read(payload: Uint8Array, context: PayloadContext): HopPayload {
  const decoded = decodeHopPayload(payload, context);
  return decoded.ok ? decoded.value : assert.fail(decoded.error.reason);
}

function rebuilt({ associatedData, sessionKey, hops }: OnionVector, payloadsLength?: number): string {
  const built = buildOnion({
    hops: hops.map((hop) => ({ nodeId: keyOf(hop), payload: payloadOf(hop) })),
    sessionKey: fromHex(sessionKey),
    associatedData: fromHex(associatedData),
    ...(payloadsLength !== undefined && { payloadsLength }),
  });
  return built.ok ? toHex(built.value.packet) : assert.fail(built.error.kind);
}

function peel(packet: Uint8Array, privateKey: string, hash: string) {
  const ecdh = (point: Point) => crypto().ecdh(fromHex(privateKey), point);
  const peeled = peelOnion({ packet, associatedData: fromHex(hash), ecdh });
  return peeled.ok ? peeled.value : assert.fail(peeled.error.kind);
}

describe("trampoline onions", () => {
  it("reads and writes every payload of the proposal's vectors", () => {
    const kinds = new Set<string>();
    const vectors = ["trampoline-payment-onion", "trampoline-onion-error", "trampoline-to-blinded-path"];
    for (const vector of vectors.flatMap(casesOf)) {
      for (const [name, section] of Object.entries(vector)) {
        if (name === "generateBlindedPathEve") continue;
        for (const key of ["hops", "trampolineHops"]) {
          const hops = (section[key] ?? []) as readonly HopVector[];
          const isTrampoline = key === "trampolineHops" || name === "generateTrampolineOnion";
          for (const [index, hop] of hops.entries()) {
            const context = { isFinal: index === hops.length - 1, hasPathKey: false, isTrampoline };
            const payload = payloadOf(hop);
            const isWithinPath = payload[0] === 0x0a && !toHex(payload).includes("0c21");
            const blindedEnd = payload[0] === 2 && toHex(payload.subarray(11, 12)) === "0a";
            const decoded = read(payload, { ...context, hasPathKey: isWithinPath || blindedEnd });
            assert.equal(toHex(encodeHopPayload(decoded)), toHex(payload));
            kinds.add(decoded.kind);
          }
        }
      }
    }
    const expected = ["blinded-final", "blinded-forward", "final", "forward", "trampoline-entry"];
    assert.deepEqual([...kinds].sort(), [...expected, "trampoline-forward"]);
  });

  it("makes and peels the onions of a payment by a trampoline node", () => {
    const [vectors = assert.fail()] = casesOf("trampoline-payment-onion");
    const alice = part<
      OnionVector & {
        readonly trampolineHops: readonly HopVector[];
        readonly trampolineSessionKey: string;
        readonly trampolineOnion: string;
      }
    >(vectors, "generateAlice");
    const paymentHash = paymentHashOf(fromHex(alice.associatedData));
    const hops = alice.trampolineHops.map((hop, index, { length }) => {
      const context = { isFinal: index === length - 1, hasPathKey: false, isTrampoline: true };
      const payload = read(payloadOf(hop), context);
      if (payload.kind !== "trampoline-forward" && payload.kind !== "final") assert.fail(payload.kind);
      return { nodeId: nodeIdOf(keyOf(hop)), payload };
    });
    const plan = { hops, paymentHash, sessionKey: fromHex(alice.trampolineSessionKey) };
    const exact = alice.trampolineOnion.length / 2 - 66;
    const inner = buildTrampolineOnion({ ...plan, payloadsLength: exact });
    assert.equal(inner.ok && toHex(inner.value.packet), alice.trampolineOnion);
    const padded = buildTrampolineOnion(plan);
    assert.equal(padded.ok && padded.value.packet.length, 466);
    assert.equal(rebuilt(alice), alice.onion);

    const carol = part<{ onion: string; nodePrivkey: string; nextTrampolineOnion: string }>(
      vectors,
      "decryptCarol",
    );
    const outer = peel(fromHex(carol.onion), carol.nodePrivkey, alice.associatedData);
    const entry = read(outer.payload, { isFinal: true, hasPathKey: false });
    if (entry.kind !== "trampoline-entry") assert.fail(entry.kind);
    const layer = peel(entry.trampolinePacket, carol.nodePrivkey, alice.associatedData);
    const carols = { isFinal: false, hasPathKey: false, isTrampoline: true };
    assert.deepEqual(read(layer.payload, carols), {
      kind: "trampoline-forward",
      amountToForward: msat(100_000_000n),
      outgoingCltv: blockHeight(800_000),
      nextNodeId: "02edabbd16b41c8371b92ef2f04c1185b4f03b6dcd52ba9b78d9d7c89c8f221145",
    });
    assert.equal(toHex(layer.nextPacket ?? assert.fail("it goes on")), carol.nextTrampolineOnion);
    assert.equal(rebuilt(part(vectors, "generateCarol")), part<OnionVector>(vectors, "generateCarol").onion);

    const eve = part<{ onion: string; nodePrivkey: string; decryptedTrampolinePayload: string }>(
      vectors,
      "decryptEve",
    );
    const last = peel(fromHex(eve.onion), eve.nodePrivkey, alice.associatedData);
    const eves = read(last.payload, { isFinal: true, hasPathKey: false });
    if (eves.kind !== "trampoline-entry") assert.fail(eves.kind);
    const end = peel(eves.trampolinePacket, eve.nodePrivkey, alice.associatedData);
    assert.equal(end.nextPacket, undefined);
    assert.equal(toHex(end.payload), eve.decryptedTrampolinePayload.slice(2));
    assert.equal(read(end.payload, { isFinal: true, hasPathKey: false, isTrampoline: true }).kind, "final");
  });

  it("hands blinded paths to the last trampoline node, or goes along them by trampolines", () => {
    const [paths = assert.fail(), along = assert.fail()] = casesOf("trampoline-to-blinded-path");
    const told = part<HopVector & OnionVector & { trampolineOnion: string; trampolineNodeId: string }>(
      paths,
      "generateTrampolineOnion",
    );
    const bytes = payloadOf(told);
    const payload = read(bytes, { isFinal: true, hasPathKey: false, isTrampoline: true });
    if (payload.kind !== "trampoline-to-blinded-paths") assert.fail(payload.kind);
    assert.equal(toHex(encodeHopPayload(payload)), toHex(bytes));
    const [path = assert.fail()] = payload.blindedPaths;
    assert.equal(path.blindedHops.length, 2);
    assert.deepEqual(
      { ...path.payinfo, features: path.payinfo.features.length },
      {
        feeBase: 500n,
        feeProportionalMillionths: 1000,
        cltvExpiryDelta: 36,
        htlcMinimum: 1n,
        htlcMaximum: 500_000_000n,
        features: 0,
      },
    );
    const one = buildTrampolineOnion({
      hops: [{ nodeId: nodeIdOf(fromHex(told.trampolineNodeId)), payload }],
      paymentHash: paymentHashOf(fromHex(told.associatedData)),
      sessionKey: fromHex(told.sessionKey),
      payloadsLength: told.trampolineOnion.length / 2 - 66,
    });
    assert.equal(one.ok && toHex(one.value.packet), told.trampolineOnion);

    const inner = part<OnionVector & { trampolineOnion: string }>(along, "generateTrampolineOnion");
    assert.equal(rebuilt(inner, inner.trampolineOnion.length / 2 - 66), inner.trampolineOnion);
    const last = payloadOf(inner.hops[2] ?? assert.fail());
    const end = read(last, { isFinal: true, hasPathKey: true, isTrampoline: true });
    assert.ok(end.kind === "blinded-final" && end.totalAmount === 150_000_000n);
    for (const name of ["generatePaymentOnion", "relayPaymentCarol", "relayPaymentDave"]) {
      const vector = part<OnionVector>(along, name);
      assert.equal(rebuilt(vector), vector.onion, name);
    }
    assert.equal(
      rebuilt(part(paths, "generatePaymentOnion")),
      part<OnionVector>(paths, "generatePaymentOnion").onion,
    );
  });
});

describe("failures of trampoline payments", () => {
  it("go back by both onions (the proposal's vectors)", () => {
    const [vectors = assert.fail()] = casesOf("trampoline-onion-error");
    const alice = part<OnionVector & { trampolineHops: HopVector[]; trampolineSessionKey: string }>(
      vectors,
      "generateAlice",
    );
    const secret = (hop: HopVector) => hop.sharedSecret ?? assert.fail("a secret");
    const secretsOf = (key: string, hops: readonly HopVector[]) => {
      const { sharedSecrets } = pathSecrets(fromHex(key), hops.map(keyOf));
      assert.deepEqual(sharedSecrets.map(toHex), hops.map(secret));
      return sharedSecrets;
    };
    const outer = secretsOf(alice.sessionKey, alice.hops);
    const trampolines = secretsOf(alice.trampolineSessionKey, alice.trampolineHops);
    const eve = part<Named<"trampolineOnionSharedSecret" | "onionSharedSecret" | "failurePacket">>(
      vectors,
      "failureEve",
    );
    const failure: FailureMessage = {
      type: "incorrect_or_unknown_payment_details",
      htlcMsat: msat(100_000_000n),
      height: 800_000,
    };
    const wrap = (reason: Uint8Array, by: string) =>
      wrapFailurePacket(
        { reason, attribution: undefined },
        { sharedSecret: fromHex(by), holdTime: undefined },
      ).reason;
    const made = createFailure(failure, {
      sharedSecret: fromHex(eve.trampolineOnionSharedSecret),
      holdTime: undefined,
    });
    const eves = wrap(made.reason, eve.onionSharedSecret);
    assert.equal(toHex(eves), eve.failurePacket);
    const dave = part<Named<"onionSharedSecret" | "failurePacket">>(vectors, "failureDave");
    const daves = wrap(eves, dave.onionSharedSecret);
    assert.equal(toHex(daves), dave.failurePacket);

    const carol = part<
      Named<
        | "downstreamUnwrappedFailure"
        | "upstreamTrampolineOnionSharedSecret"
        | "upstreamOnionSharedSecret"
        | "failurePacket"
      > & { downstreamSharedSecrets: string[] }
    >(vectors, "failureCarol");
    const downstream = carol.downstreamSharedSecrets.map(fromHex);
    const packet = { reason: daves, attribution: undefined };
    assert.equal(decodeFailure(packet, downstream).outcome.kind, "undecodable");
    const unwrapped = unwrapReason(daves, downstream);
    assert.equal(toHex(unwrapped), carol.downstreamUnwrappedFailure);
    const carols = wrap(
      wrap(unwrapped, carol.upstreamTrampolineOnionSharedSecret),
      carol.upstreamOnionSharedSecret,
    );
    assert.equal(toHex(carols), carol.failurePacket);
    const bob = part<Named<"onionSharedSecret" | "failurePacket">>(vectors, "failureBob");
    const bobs = wrap(carols, bob.onionSharedSecret);
    assert.equal(toHex(bobs), bob.failurePacket);
    const { outcome } = decodeFailure(
      { reason: bobs, attribution: undefined },
      [...outer, ...trampolines],
      2,
    );
    assert.deepEqual(outcome, { kind: "failed", hop: 3, failure });
  });

  it("of a trampoline node within a blinded path are its introduction node's", () => {
    const vectors = casesOf("trampoline-onion-error")[1] ?? assert.fail();
    const alice = part<Record<"onionSharedSecrets" | "trampolineOnionSharedSecrets", readonly string[]>>(
      vectors,
      "failureAlice",
    );
    const bob = part<Named<"onionSharedSecret" | "failurePacket">>(vectors, "failureBob");
    const secrets = [...alice.onionSharedSecrets, ...alice.trampolineOnionSharedSecrets];
    const packet = { reason: fromHex(bob.failurePacket), attribution: undefined };
    assert.deepEqual(decodeFailure(packet, secrets.map(fromHex), 2).outcome, {
      kind: "failed",
      hop: 2,
      failure: { type: "temporary_trampoline_failure" },
    });
  });

  it("have the codes of the proposal", () => {
    const codes: readonly [FailureMessage, string][] = [
      [{ type: "temporary_trampoline_failure" }, "2019"],
      [
        {
          type: "trampoline_fee_or_expiry_insufficient",
          feeBaseMsat: 1,
          feeProportionalMillionths: 2,
          cltvExpiryDelta: 3,
        },
        "201a00000001000000020003",
      ],
      [{ type: "unknown_next_trampoline" }, "401b"],
    ];
    for (const [failure, hex] of codes) {
      assert.equal(toHex(encodeFailureMessage(failure)), hex);
      assert.deepEqual(decodeFailureMessage(fromHex(hex)), failure);
    }
  });
});

describe("trampoline payloads", () => {
  const amounts = "020101" + "040103";
  const refusal = (hex: string, context: PayloadContext) => {
    const decoded = decodeHopPayload(fromHex(hex), context);
    if (decoded.ok) assert.fail(`accepted as ${decoded.value.kind}`);
    return [decoded.error.failure, decoded.error.type];
  };
  const key = "02edabbd16b41c8371b92ef2f04c1185b4f03b6dcd52ba9b78d9d7c89c8f221145";

  it("are refused where they do not belong, and when they are not whole", () => {
    const outer = { isFinal: true, hasPathKey: false };
    const inner = { ...outer, isTrampoline: true };
    const packet = `1442${"00".repeat(66)}`;
    assert.equal(read(fromHex(amounts + packet), outer).kind, "trampoline-entry");
    const cases: readonly [string, PayloadContext, bigint][] = [
      [amounts + packet, { ...outer, isFinal: false }, 6n],
      [amounts + packet, inner, 20n],
      [`${amounts}1441${"00".repeat(65)}`, outer, 20n],
      [`${amounts}0e21${key}`, outer, 14n],
      [`${amounts}0e21${key}`, { ...inner, isFinal: true }, 14n],
      [amounts, { ...inner, isFinal: false }, 14n],
      [`${amounts}1600`, inner, 22n],
      [`${amounts}1605${"00".repeat(5)}`, inner, 22n],
    ];
    for (const [hex, context, type] of cases) {
      assert.deepEqual(refusal(hex, context), ["invalid_onion_payload", type], hex);
    }
    assert.deepEqual(refusal(amounts + packet, { ...outer, hasPathKey: true })[0], "invalid_onion_blinding");
  });
});
