import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DecodeError } from "@fulmen/lightning/codec";
import { concatBytes, fromHex, msat, toHex } from "@fulmen/lightning/util";
import {
  decodeFailureMessage,
  encodeFailureMessage,
  type FailureMessage,
  failureCodeOf,
  failures,
  isBadOnion,
} from "@fulmen/lightning/wire";
import fc from "fast-check";
import { valuesOf } from "./messageValues.ts";

describe("failure messages (BOLT 4)", () => {
  it("are 25, five of them of onions that could not be read", () => {
    assert.equal(failures.length, 25);
    assert.deepEqual(
      failures.filter(({ number }) => isBadOnion(number)).map(({ type }) => type),
      ["invalid_onion_version", "invalid_onion_hmac", "invalid_onion_key", "invalid_onion_blinding"],
    );
  });

  for (const declaration of failures) {
    it(`${declaration.type} reads back as written, and only whole`, () => {
      const fields = fc.record(
        Object.fromEntries(
          Object.entries(declaration.fields).map(([name, codec]) => [name, valuesOf(codec)]),
        ),
        { noNullPrototype: true },
      );
      fc.assert(
        fc.property(fields, fc.uint8Array({ maxLength: 40 }), (values, noise) => {
          const failure: unknown = { type: declaration.type, ...values };
          const bytes = encodeFailureMessage(failure as FailureMessage);
          assert.deepEqual(decodeFailureMessage(bytes), failure);
          for (let length = 2; length < bytes.length; length++) {
            assert.throws(() => decodeFailureMessage(bytes.subarray(0, length)), DecodeError);
          }
          try {
            decodeFailureMessage(concatBytes(bytes.subarray(0, 2), noise));
          } catch (error) {
            assert.ok(error instanceof DecodeError);
          }
        }),
        { seed: declaration.number, numRuns: 10 },
      );
    });
  }

  it("have their flags in the code", () => {
    const failure = {
      type: "incorrect_or_unknown_payment_details",
      htlcMsat: msat(100),
      height: 800_000,
    } as const;
    assert.equal(failureCodeOf(failure), 0x400f);
    assert.equal(toHex(encodeFailureMessage(failure)), "400f0000000000000064000c3500");
  });

  it("may have anything behind their data, which the origin must ignore", () => {
    for (const bytes of ["20020101ff", "20020201ff", "2002ff"]) {
      assert.deepEqual(decodeFailureMessage(fromHex(bytes)), { type: "temporary_node_failure" });
    }
  });

  it("of unknown codes are kept whole", () => {
    const bytes = fromHex("4010aabb");
    const failure = decodeFailureMessage(bytes);
    assert.deepEqual(failure, { type: "unknown", code: 0x4010, data: Uint8Array.of(0xaa, 0xbb) });
    assert.deepEqual(encodeFailureMessage(failure), bytes);
    assert.throws(() => decodeFailureMessage(fromHex("40")), DecodeError);
  });
});
