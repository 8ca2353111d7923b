import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fromHex, toHex } from "@fulmen/lightning/util";
import fc from "fast-check";
import { attribute, readFulfillAttribution } from "#src/onion/attribution";
import {
  createFailurePacket,
  type FailurePacket,
  openFailurePacket,
  wrapFailurePacket,
} from "#src/onion/failurePacket";
import { InvariantError } from "#src/util/invariant";

interface ErrorVector {
  readonly failureMessage: string;
  readonly hops: readonly { readonly sharedSecret: string }[];
  readonly reason: string;
}
interface AttributionVector {
  readonly failureMessage: string;
  readonly padding: number;
  readonly nodes: readonly {
    readonly sharedSecret: string;
    readonly holdTime: number;
    readonly reason: string;
    readonly attributionData: string;
    readonly fulfillAttributionData: string;
  }[];
}

function fixture<T>(name: string): T {
  const url = new URL(`../../../../fixtures/bolt04/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8"));
}

const simple = fixture<ErrorVector>("onion-error");
const attributed = fixture<AttributionVector>("attribution");
const attributedSecrets = attributed.nodes.map(({ sharedSecret }) => fromHex(sharedSecret));
const empty = new Uint8Array(0);

function hexOf(data: Uint8Array | undefined): string {
  return data === undefined ? "" : toHex(data);
}

function secretsOf(length: number): Uint8Array[] {
  return Array.from({ length }, (_, index) => new Uint8Array(32).fill(index + 1));
}

/** The packet as it reaches the origin, from hop `erring`. `holdTimes[i]` undefined: that hop has no attribution. */
function returned(
  secrets: readonly Uint8Array[],
  erring: number,
  { message, holdTimes = [] }: { message: Uint8Array; holdTimes?: readonly (number | undefined)[] },
): FailurePacket {
  let packet: FailurePacket | undefined;
  for (let hop = erring; hop >= 0; hop--) {
    const sharedSecret = secrets[hop] ?? empty;
    const holdTime = holdTimes[hop];
    packet =
      packet === undefined
        ? createFailurePacket({ sharedSecret, message, holdTime })
        : wrapFailurePacket(packet, { sharedSecret, holdTime });
  }
  return packet ?? assert.fail("no hop");
}

describe("failure packets", () => {
  it("make and open BOLT 4's simple vector", () => {
    const secrets = simple.hops.map(({ sharedSecret }) => fromHex(sharedSecret));
    const packet = returned(secrets, 4, { message: fromHex(simple.failureMessage) });
    assert.equal(toHex(packet.reason), simple.reason);
    assert.equal(packet.attribution, undefined);
    assert.deepEqual(openFailurePacket(packet, secrets), {
      origin: { hop: 4, message: fromHex(simple.failureMessage) },
      attribution: undefined,
    });
  });

  it("make and open BOLT 4's vector with attribution data", () => {
    const message = fromHex(attributed.failureMessage);
    let packet: FailurePacket | undefined;
    for (let hop = 4; hop >= 0; hop--) {
      const node = attributed.nodes[hop] ?? assert.fail();
      const sharedSecret = fromHex(node.sharedSecret);
      const paddedLength = message.length + attributed.padding;
      packet =
        packet === undefined
          ? createFailurePacket({ sharedSecret, message, holdTime: node.holdTime, paddedLength })
          : wrapFailurePacket(packet, { sharedSecret, holdTime: node.holdTime });
      assert.equal(toHex(packet.reason), node.reason, `reason of node ${hop}`);
      assert.equal(hexOf(packet.attribution), node.attributionData, `attribution of node ${hop}`);
    }
    assert.ok(packet !== undefined);
    assert.deepEqual(openFailurePacket(packet, attributedSecrets), {
      origin: { hop: 4, message },
      attribution: { holdTimes: [5, 4, 3, 2, 1], failedAt: undefined },
    });
  });

  it("tell which hop failed, on any path, whatever it says", () => {
    const cases = fc.integer({ min: 1, max: 30 }).chain((length) =>
      fc.record({
        length: fc.constant(length),
        erring: fc.integer({ min: 0, max: length - 1 }),
        message: fc.uint8Array({ maxLength: 600 }),
      }),
    );
    fc.assert(
      fc.property(cases, ({ length, erring, message }) => {
        const secrets = secretsOf(length);
        const holdTimes = secrets.map((_, index) => index * 10);
        const packet = returned(secrets, erring, { message, holdTimes });
        assert.equal(packet.reason.length, 32 + 2 + 2 + Math.max(256, message.length));
        const opened = openFailurePacket(packet, secrets);
        assert.deepEqual(opened.origin, { hop: erring, message });
        const expected = { holdTimes: holdTimes.slice(0, erring + 1), failedAt: undefined };
        assert.deepEqual(opened.attribution, length <= 20 ? expected : undefined);
      }),
      { seed: 4, numRuns: 25 },
    );
  });

  it("blame the hop that changed the reason", () => {
    const secrets = secretsOf(6);
    const holdTimes = [1, 2, 3, 4, 5, 6];
    for (let tampering = 1; tampering < 5; tampering++) {
      let packet = returned(secrets.slice(tampering), 5 - tampering, {
        message: Uint8Array.of(0x20, 2),
        holdTimes: holdTimes.slice(tampering),
      });
      const reason = Uint8Array.from(packet.reason);
      reason[100] = (reason[100] ?? 0) ^ 1;
      packet = { ...packet, reason };
      for (let hop = tampering - 1; hop >= 0; hop--) {
        packet = wrapFailurePacket(packet, { sharedSecret: secrets[hop] ?? empty, holdTime: holdTimes[hop] });
      }
      assert.deepEqual(openFailurePacket(packet, secrets), {
        origin: undefined,
        attribution: { holdTimes: holdTimes.slice(0, tampering), failedAt: tampering },
      });
    }
  });

  it("carry failures of any length that fits a message", () => {
    const secrets = secretsOf(3);
    const longest = 65_535 - 44 - 36;
    for (const length of [0, 256, 257, 2_000, 40_000, longest]) {
      const message = new Uint8Array(length).fill(3);
      const packet = returned(secrets, 2, { message, holdTimes: [1, 2, 3] });
      assert.equal(packet.reason.length, 36 + Math.max(256, length));
      const { origin, attribution } = openFailurePacket(packet, secrets);
      assert.deepEqual(origin, { hop: 2, message });
      assert.deepEqual(attribution?.holdTimes, length === longest ? undefined : [1, 2, 3]);
    }
    const message = new Uint8Array(longest + 1);
    assert.throws(
      () => createFailurePacket({ sharedSecret: new Uint8Array(32), message, holdTime: 0 }),
      InvariantError,
    );
  });

  it("blame the last hop that can have attributed, not those in a blinded path", () => {
    const secrets = secretsOf(5);
    const packet = returned(secrets, 1, { message: Uint8Array.of(0xc0, 24), holdTimes: [4, 2] });
    assert.deepEqual(openFailurePacket(packet, secrets, 2), {
      origin: { hop: 1, message: Uint8Array.of(0xc0, 24) },
      attribution: { holdTimes: [4, 2], failedAt: undefined },
    });
    const garbled = { ...packet, reason: packet.reason.map((byte) => byte ^ 1) };
    assert.equal(openFailurePacket(garbled, secrets, 2).attribution?.failedAt, 0);
  });

  it("keep the attribution of the hops before the first without support", () => {
    const secrets = secretsOf(4);
    const packet = returned(secrets, 3, { message: Uint8Array.of(0x20, 2), holdTimes: [7, 8, undefined, 9] });
    assert.deepEqual(openFailurePacket(packet, secrets), {
      origin: { hop: 3, message: Uint8Array.of(0x20, 2) },
      attribution: { holdTimes: [7, 8], failedAt: 2 },
    });
  });

  it("attribute up to the first node without support, wherever such nodes are", () => {
    const cases = fc.integer({ min: 1, max: 20 }).chain((length) =>
      fc.record({
        erring: fc.integer({ min: 0, max: length - 1 }),
        supports: fc.array(fc.boolean(), { minLength: length, maxLength: length }),
      }),
    );
    fc.assert(
      fc.property(cases, ({ erring, supports }) => {
        const secrets = secretsOf(supports.length);
        const holdTimes = supports.map((does, i) => (does ? 7 * i : undefined));
        const message = Uint8Array.of(0x20, 2);
        const opened = openFailurePacket(returned(secrets, erring, { message, holdTimes }), secrets);
        assert.deepEqual(opened.origin, { hop: erring, message });
        const first = supports.slice(0, erring + 1).indexOf(false);
        const told = first < 0 ? erring + 1 : first;
        const reading = { holdTimes: holdTimes.slice(0, told), failedAt: first < 0 ? undefined : first };
        assert.deepEqual(opened.attribution, first === 0 ? undefined : reading);
      }),
      { seed: 4, numRuns: 40 },
    );
  });

  it("leave out attribution data where the message would become too long", () => {
    const sharedSecret = new Uint8Array(32).fill(1);
    const largest = 65_535 - 44 - 924;
    const wrap = (length: number) =>
      wrapFailurePacket(
        { reason: new Uint8Array(length), attribution: new Uint8Array(920) },
        { sharedSecret, holdTime: 1 },
      );
    assert.notEqual(wrap(largest).attribution, undefined);
    assert.equal(wrap(largest + 1).attribution, undefined);
    assert.equal(wrap(65_535).reason.length, 65_535);
  });

  it("clamp hold times to a u32", () => {
    const secrets = secretsOf(1);
    for (const [holdTime, read] of [
      [-5, 0],
      [2 ** 40, 0xffff_ffff],
      [3.9, 3],
    ] as const) {
      const packet = returned(secrets, 0, { message: Uint8Array.of(0, 23), holdTimes: [holdTime] });
      assert.deepEqual(openFailurePacket(packet, secrets).attribution?.holdTimes, [read]);
    }
  });

  it("answer any bytes with a value", () => {
    const secrets = secretsOf(3);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.option(fc.uint8Array({ minLength: 920, maxLength: 920 }), { nil: undefined }),
        (reason, attribution) => {
          const opened = openFailurePacket({ reason, attribution }, secrets);
          assert.equal(opened.origin, undefined);
          assert.equal(opened.attribution?.failedAt, attribution === undefined ? undefined : 0);
        },
      ),
      { seed: 4, numRuns: 60 },
    );
  });
});

describe("readFulfillAttribution", () => {
  it("makes and reads BOLT 4's vector", () => {
    let data: Uint8Array | undefined;
    for (let hop = 4; hop >= 0; hop--) {
      const node = attributed.nodes[hop] ?? assert.fail();
      data = attribute({
        sharedSecret: fromHex(node.sharedSecret),
        returnPacket: empty,
        holdTime: node.holdTime,
        downstream: data,
      });
      assert.equal(hexOf(data), node.fulfillAttributionData, `attribution of node ${hop}`);
    }
    assert.deepEqual(readFulfillAttribution(data, attributedSecrets), {
      holdTimes: [5, 4, 3, 2, 1],
      failedAt: undefined,
    });
  });

  it("stops at the first hop that does not fit", () => {
    const data = fromHex(attributed.nodes[0]?.fulfillAttributionData ?? "");
    data[12] = (data[12] ?? 0) ^ 1;
    assert.deepEqual(readFulfillAttribution(data, attributedSecrets), { holdTimes: [], failedAt: 0 });
    assert.equal(readFulfillAttribution(undefined, attributedSecrets), undefined);
  });
});
