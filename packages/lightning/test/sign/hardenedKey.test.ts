import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { CryptoError } from "@fulmen/bitcoin/crypto";
import { fromHex, toHex } from "@fulmen/bitcoin/primitives";
import { HARDENED_OFFSET, HDKey } from "@scure/bip32";
import fc from "fast-check";
import { type ExtendedKey, hardenedChild, masterKeyOf } from "#src/sign/hardenedKey";

interface Vectors {
  readonly vectors: readonly {
    readonly seed: string;
    readonly master: string;
    readonly hardened: readonly {
      readonly path: string;
      readonly parent: string;
      readonly number: number;
      readonly key: string;
    }[];
  }[];
}
const { vectors }: Vectors = JSON.parse(
  readFileSync(new URL("../../../../fixtures/bip32/hardened.json", import.meta.url), "utf8"),
);

function extended({ privateKey, chainCode }: HDKey): ExtendedKey {
  return {
    key: privateKey ?? assert.fail("no private key"),
    chainCode: chainCode ?? assert.fail("no chain code"),
  };
}

describe("the vectors of BIP 32", () => {
  for (const { seed, master, hardened } of vectors) {
    test(`master key of ${seed.slice(0, 8)}`, () => {
      assert.deepEqual(masterKeyOf(fromHex(seed)), extended(HDKey.fromExtendedKey(master)));
    });
    for (const { path, parent, number, key } of hardened) {
      test(`${seed.slice(0, 8)}: ${path}`, () => {
        const child = hardenedChild(extended(HDKey.fromExtendedKey(parent)), number);
        assert.deepEqual(child, extended(HDKey.fromExtendedKey(key)));
      });
    }
  }
});

test("any seed and any two numbers give what @scure/bip32 gives", () => {
  const number = fc.integer({ min: 0, max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.tuple(number, number),
      (seed, [first, second]) => {
        const theirs = HDKey.fromMasterSeed(seed)
          .deriveChild(HARDENED_OFFSET + first)
          .deriveChild(HARDENED_OFFSET + second);
        assert.deepEqual(hardenedChild(hardenedChild(masterKeyOf(seed), first), second), extended(theirs));
      },
    ),
    { numRuns: 10, seed: 32 },
  );
});

test("a parent's parts are not written to, and no private key has no child", () => {
  const parent = masterKeyOf(fromHex("07".repeat(32)));
  const before = [toHex(parent.key), toHex(parent.chainCode)];
  hardenedChild(parent, 3);
  assert.deepEqual([toHex(parent.key), toHex(parent.chainCode)], before);
  assert.throws(() => hardenedChild({ ...parent, key: new Uint8Array(32) }, 3), CryptoError);
});
