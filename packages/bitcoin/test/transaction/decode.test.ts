import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex, type Sat, type Txid, toHex } from "@fulmen/bitcoin/primitives";
import {
  BitcoinDecodeError,
  decodeTransaction,
  encodeTransaction,
  encodeWithoutWitness,
  isCoinbase,
  type Transaction,
  txid,
  vsize,
  weight,
  wtxid,
} from "@fulmen/bitcoin/transaction";
import fc from "fast-check";
import { fixture } from "../fixture.ts";
import { transactions } from "../generated.ts";

interface Vector {
  readonly hex: string;
  readonly txid: string;
  readonly wtxid: string;
  readonly weight: number;
}

const vectors = fixture<{ transactions: readonly Vector[] }>("transactions.json").transactions;

/** P2WPKH spend of BIP 143's first example, signed: two inputs, two outputs. */
const signed = vectors.find((vector) => vector.txid !== vector.wtxid && vector.hex.length < 1000)?.hex ?? "";

test("Core's transactions read back to the same bytes, ids and weights", () => {
  assert.ok(vectors.length > 100);
  for (const vector of vectors) {
    const tx = decodeTransaction(fromHex(vector.hex));
    assert.equal(toHex(encodeTransaction(tx)), vector.hex);
    assert.equal(txid(tx), vector.txid);
    assert.equal(wtxid(tx), vector.wtxid);
    assert.equal(weight(tx), vector.weight);
    assert.equal(vsize(tx), Math.ceil(vector.weight / 4));
  }
});

test("decode(encode(tx)) is tx", () => {
  fc.assert(
    fc.property(transactions, (tx) => {
      assert.deepEqual(decodeTransaction(encodeTransaction(tx)), tx);
      assert.equal(weight(tx), 3 * encodeWithoutWitness(tx).length + encodeTransaction(tx).length);
    }),
    { seed: 1, numRuns: 200 },
  );
});

test("cut off at any byte, or with a byte more, is refused", () => {
  const bytes = fromHex(signed);
  assert.ok(bytes.length > 100);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeTransaction(bytes.subarray(0, length)), BitcoinDecodeError, `${length} bytes`);
  }
  assert.throws(() => decodeTransaction(Uint8Array.of(...bytes, 0)), /1 trailing bytes at byte/);
});

test("any single changed byte is refused or changes the encoding, never accepted as another's", () => {
  const bytes = fromHex(signed);
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ flip;
      const result = decoded(changed);
      if (result !== undefined) assert.deepEqual(encodeTransaction(result), changed);
    }
  }
});

test("random bytes throw nothing but BitcoinDecodeError, and what is accepted is canonical", () => {
  const head = fc
    .constantFrom("0100000000010101", "0200000001", "02000000000101fd", "0100000000000000")
    .map(fromHex);
  fc.assert(
    fc.property(head, fc.uint8Array({ maxLength: 200 }), (start, rest) => {
      const bytes = Uint8Array.of(...start, ...rest);
      const result = decoded(bytes);
      if (result !== undefined) assert.deepEqual(encodeTransaction(result), bytes);
    }),
    { seed: 2, numRuns: 2000 },
  );
});

const input = `${"11".repeat(32)}00000000`;

test("refuses compact sizes that are not the shortest", () => {
  const good = `0100000001${input}00ffffffff01000000000000000000${"00000000"}`;
  assert.equal(toHex(encodeTransaction(decodeTransaction(fromHex(good)))), good);
  const inputCount = `01000000fd0100${input}00ffffffff01000000000000000000${"00000000"}`;
  assert.throws(() => decodeTransaction(fromHex(inputCount)), /shortest form at byte 7/);
  const scriptLength = `0100000001${input}fe00000000ffffffff01000000000000000000${"00000000"}`;
  assert.throws(() => decodeTransaction(fromHex(scriptLength)), /shortest form/);
  const wide = `0100000001${input}ff0000000001000000ffffffff01000000000000000000${"00000000"}`;
  assert.throws(() => decodeTransaction(fromHex(wide)), BitcoinDecodeError);
});

test("refuses the BIP 144 flag without a witness, and unknown flags", () => {
  const body = `01${input}00ffffffff01000000000000000000`;
  assert.throws(
    () => decodeTransaction(fromHex(`010000000001${body}00${"00000000"}`)),
    /without any witness/,
  );
  assert.throws(() => decodeTransaction(fromHex(`010000000002${body}00${"00000000"}`)), /flag 2/);
  const withItem = decodeTransaction(fromHex(`010000000001${body}0100${"00000000"}`));
  assert.deepEqual(withItem.inputs[0]?.witness, [new Uint8Array(0)]);
});

test("refuses counts that the bytes cannot hold before it reads on", () => {
  for (const count of ["fdffff", "feffffffff", "ffffffffffff1f0000", "ffffffffffffffffff"]) {
    assert.throws(() => decodeTransaction(fromHex(`01000000${count}${input}`)), BitcoinDecodeError);
    const outputs = `0100000001${input}00ffffffff${count}00`;
    assert.throws(() => decodeTransaction(fromHex(outputs)), BitcoinDecodeError);
    const witness = `01000000000101${input}00ffffffff01000000000000000000${count}00`;
    assert.throws(() => decodeTransaction(fromHex(witness)), BitcoinDecodeError);
  }
});

test("witnesses have no limit: 4 MB in one item, and 500,000 items", () => {
  const large = witnessOf([new Uint8Array(4_000_000).fill(7)]);
  const one = decodeTransaction(encodeTransaction(large));
  assert.equal(one.inputs[0]?.witness[0]?.length, 4_000_000);
  const item = Uint8Array.of(1);
  const many = witnessOf(Array.from({ length: 500_000 }, () => item));
  assert.equal(decodeTransaction(encodeTransaction(many)).inputs[0]?.witness.length, 500_000);
});

test("decoded byte strings are copies", () => {
  const bytes = fromHex(signed);
  const tx = decodeTransaction(bytes);
  const before = encodeTransaction(tx);
  bytes.fill(0);
  assert.deepEqual(encodeTransaction(tx), before);
});

test("the version is a signed number", () => {
  const tx = decodeTransaction(fromHex(`ffffffff01${input}00ffffffff01000000000000000000${"00000000"}`));
  assert.equal(tx.version, -1);
  assert.equal(toHex(encodeTransaction(tx)).slice(0, 8), "ffffffff");
});

test("a coinbase is one input that spends nothing", () => {
  const none = "00".repeat(32) as Txid;
  const tx = witnessOf([]);
  const [first] = tx.inputs;
  assert.ok(first);
  assert.equal(isCoinbase(tx), false);
  const spendsNothing = { ...first, outPoint: { txid: none, index: 0xffff_ffff } };
  assert.equal(isCoinbase({ ...tx, inputs: [spendsNothing] }), true);
  assert.equal(isCoinbase({ ...tx, inputs: [spendsNothing, first] }), false);
  assert.equal(isCoinbase({ ...tx, inputs: [{ ...first, outPoint: { txid: none, index: 0 } }] }), false);
});

test("encoding refuses fields out of range", () => {
  const tx = witnessOf([]);
  assert.throws(() => encodeTransaction({ ...tx, locktime: -1 }), RangeError);
  assert.throws(() => encodeTransaction({ ...tx, version: 0x8000_0000 }), RangeError);
  assert.throws(
    () => encodeTransaction({ ...tx, outputs: [{ value: -1n as Sat, script: new Uint8Array(0) }] }),
    RangeError,
  );
});

function witnessOf(witness: readonly Uint8Array[]): Transaction {
  const outPoint = { txid: "11".repeat(32) as Txid, index: 0 };
  return {
    version: 2,
    inputs: [{ outPoint, scriptSig: new Uint8Array(0), sequence: 0xffff_ffff, witness }],
    outputs: [{ value: 1n as Sat, script: new Uint8Array(0) }],
    locktime: 0,
  };
}

function decoded(bytes: Uint8Array): Transaction | undefined {
  try {
    return decodeTransaction(bytes);
  } catch (error) {
    assert.ok(error instanceof BitcoinDecodeError, String(error));
    return undefined;
  }
}
