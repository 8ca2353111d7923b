import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it, test } from "node:test";
import { fromHex, toHex } from "@fulmen/bitcoin/primitives";
import {
  CommitmentSecrets,
  commitmentSecret,
  emptyShachain,
  insertSecret,
  nextNumber,
  type ShachainStore,
  secretFor,
} from "@fulmen/lightning/crypto";
import {
  type Bytes32,
  type CommitmentNumber,
  commitmentNumber,
  InvariantError,
} from "@fulmen/lightning/util";

interface Vectors {
  readonly generation: readonly {
    readonly name: string;
    readonly seed: string;
    readonly index: string;
    readonly secret: string;
  }[];
  readonly storage: readonly {
    readonly name: string;
    readonly steps: readonly {
      readonly index: string;
      readonly secret: string;
      readonly accepted: boolean;
    }[];
  }[];
}
const vectors: Vectors = JSON.parse(
  readFileSync(new URL("../../../../fixtures/bolt3/per-commitment-secrets.json", import.meta.url), "utf8"),
);

/** The vectors name secrets by the wire's index, which counts down. */
function numberOf(index: string): CommitmentNumber {
  return commitmentNumber(Number(2n ** 48n - 1n - BigInt(index)));
}

function filled(seed: Uint8Array, count: number): ShachainStore {
  let store = emptyShachain;
  for (let i = 0; i < count; i++) {
    const number = commitmentNumber(i);
    const inserted = insertSecret(store, number, commitmentSecret(seed, number));
    assert.ok(inserted.ok);
    store = inserted.value;
  }
  return store;
}

describe("BOLT 3 appendix D: generation", () => {
  for (const { name, seed, index, secret } of vectors.generation) {
    test(name, () => {
      assert.equal(toHex(commitmentSecret(fromHex(seed), numberOf(index))), secret);
    });
  }
});

describe("BOLT 3 appendix D: storage", () => {
  for (const { name, steps } of vectors.storage) {
    test(name, () => {
      let store = emptyShachain;
      for (const { index, secret, accepted } of steps) {
        const inserted = insertSecret(store, numberOf(index), fromHex(secret) as Bytes32);
        assert.equal(inserted.ok, accepted, `index ${index}`);
        if (inserted.ok) store = inserted.value;
      }
    });
  }
});

const seed = new Uint8Array(32).fill(0x5a);

test("after each insertion every older secret derives and no newer one does", () => {
  let store = emptyShachain;
  const secrets: Bytes32[] = [];
  for (let i = 0; i < 70; i++) {
    const number = commitmentNumber(i);
    const secret = commitmentSecret(seed, number);
    secrets.push(secret);
    const inserted = insertSecret(store, number, secret);
    assert.ok(inserted.ok);
    store = inserted.value;
    for (const [older, expected] of secrets.entries()) {
      assert.deepEqual(secretFor(store, commitmentNumber(older)), expected, `${older} of ${i}`);
    }
    assert.equal(secretFor(store, commitmentNumber(i + 1)), undefined);
    assert.equal(secretFor(store, commitmentNumber(2 ** 48 - 1)), undefined);
    assert.equal(nextNumber(store), i + 1);
  }
});

test("a thousand secrets fit in eleven entries", () => {
  const store = filled(seed, 1000);
  assert.ok(store.entries.length <= 11);
  for (const number of [0, 1, 511, 512, 513, 998, 999]) {
    assert.deepEqual(
      secretFor(store, commitmentNumber(number)),
      commitmentSecret(seed, commitmentNumber(number)),
    );
  }
});

test("commitment numbers beyond 32 bits derive", () => {
  // Index 0 has 48 trailing zeros: its secret is the seed, and every other derives from it.
  const last = commitmentNumber(2 ** 48 - 1);
  assert.deepEqual(commitmentSecret(seed, last), seed);
  const store: ShachainStore = {
    entries: Array.from({ length: 49 }, (_, i) => ({
      index: i === 48 ? 0 : 2 ** i,
      secret: commitmentSecret(seed, commitmentNumber(2 ** 48 - 1 - (i === 48 ? 0 : 2 ** i))),
    })),
  };
  for (const number of [
    0,
    1,
    2 ** 24,
    2 ** 31,
    2 ** 32 + 7,
    2 ** 40 - 1,
    2 ** 47,
    2 ** 48 - 2,
    2 ** 48 - 1,
  ]) {
    assert.deepEqual(
      secretFor(store, commitmentNumber(number)),
      commitmentSecret(seed, commitmentNumber(number)),
    );
  }
});

test("a wrong secret is refused with the number it contradicts, and the store stays as it was", () => {
  const store = filled(seed, 3);
  const wrong = new Uint8Array(32).fill(9) as Bytes32;
  const refused = insertSecret(store, commitmentNumber(3), wrong);
  assert.deepEqual(refused, { ok: false, error: { kind: "wrong-secret", number: 3, contradicts: 2 } });
  assert.deepEqual(store, filled(seed, 3));
});

test("a number out of turn is a bug of the caller", () => {
  const store = filled(seed, 3);
  const secret = commitmentSecret(seed, commitmentNumber(3));
  assert.throws(() => insertSecret(store, commitmentNumber(2), secret), InvariantError);
  assert.throws(() => insertSecret(store, commitmentNumber(4), secret), InvariantError);
});

test("generation leaves the seed as it was", () => {
  const copy = seed.slice();
  commitmentSecret(seed, commitmentNumber(12345));
  assert.deepEqual(seed, copy);
});

describe("commitment secrets in sequence", () => {
  it("gives what each derivation by itself gives, in any order", () => {
    const seed = new Uint8Array(32).fill(7);
    const secrets = new CommitmentSecrets(seed);
    for (const number of [0, 3, 1, 4, 2, 5, 255, 256, 0, 2 ** 24 - 1, 2 ** 24, 2 ** 47, 2 ** 48 - 1, 6, 6]) {
      const expected = toHex(commitmentSecret(seed, commitmentNumber(number)));
      assert.equal(toHex(secrets.secret(commitmentNumber(number))), expected, `secret ${number}`);
    }
  });

  it("keeps nothing that the caller may write to", () => {
    const secrets = new CommitmentSecrets(new Uint8Array(32).fill(7));
    const first = toHex(secrets.secret(commitmentNumber(9)));
    secrets.secret(commitmentNumber(9)).fill(0);
    assert.equal(toHex(secrets.secret(commitmentNumber(9))), first);
  });
});
