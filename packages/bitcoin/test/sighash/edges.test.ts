import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex, type Sat, type Txid, toHex } from "@fulmen/bitcoin/primitives";
import { op, p2tr, script } from "@fulmen/bitcoin/script";
import {
  findAndDelete,
  isTaprootSighashType,
  legacySighash,
  SighashCache,
  segwitV0Sighash,
  sighashSingle,
  taprootSighash,
} from "@fulmen/bitcoin/sighash";
import type { Transaction } from "@fulmen/bitcoin/transaction";

const input = {
  outPoint: { txid: "11".repeat(32) as Txid, index: 0 },
  scriptSig: script(),
  sequence: 0xffff_ffff,
  witness: [],
};
const output = { value: 1000n as Sat, script: p2tr(new Uint8Array(32)) };
const tx: Transaction = { version: 2, inputs: [input, input], outputs: [output], locktime: 0 };
const prevouts = [output, output];
const spend = { scriptCode: script(op.CHECKSIG), value: 1000n as Sat, type: 1 };

test("legacy single without that output signs the number one", () => {
  const hash = legacySighash(tx, 1, { scriptCode: script(), type: sighashSingle });
  assert.equal(toHex(hash), `01${"00".repeat(31)}`);
  assert.notEqual(toHex(legacySighash(tx, 0, { scriptCode: script(), type: sighashSingle })), toHex(hash));
});

test("two inputs that are one object are told apart by their index", () => {
  const [first, second] = [0, 1].map((i) => toHex(legacySighash(tx, i, spend)));
  assert.notEqual(first, second);
});

test("an input that does not exist, and a cache of another transaction, are the caller's mistakes", () => {
  const other = new SighashCache({ ...tx });
  const taproot = { prevouts, type: 0 };
  assert.throws(() => legacySighash(tx, 2, spend), RangeError);
  assert.throws(() => segwitV0Sighash(tx, 2, spend), RangeError);
  assert.throws(() => segwitV0Sighash(tx, 0, spend, other), RangeError);
  assert.throws(() => taprootSighash(tx, 2, taproot), RangeError);
  assert.throws(() => taprootSighash(tx, 0, taproot, other), RangeError);
  assert.throws(() => taprootSighash(tx, 0, { prevouts: [output], type: 0 }), RangeError);
});

test("taproot types without a meaning, and single without that output, have no sighash", () => {
  for (let type = 0; type < 256; type++) {
    const known = [0, 1, 2, 3, 0x81, 0x82, 0x83].includes(type);
    assert.equal(isTaprootSighashType(type), known);
    if (known) assert.equal(taprootSighash(tx, 0, { prevouts, type }).length, 32);
    else assert.throws(() => taprootSighash(tx, 0, { prevouts, type }), RangeError);
  }
  assert.throws(() => taprootSighash(tx, 1, { prevouts, type: 3 }), /no output 1/);
});

test("a cache follows the spent outputs it is given", () => {
  const cache = new SighashCache(tx);
  const richer = prevouts.map((prevout) => ({ ...prevout, value: 2000n as Sat }));
  for (const spent of [prevouts, richer, prevouts]) {
    const type = 0;
    assert.deepEqual(
      taprootSighash(tx, 0, { prevouts: spent, type }, cache),
      taprootSighash(tx, 0, { prevouts: spent, type }),
    );
  }
});

test("find and delete, as Core's script tests have it", () => {
  const cases: readonly [string, string, string][] = [
    ["5152", "", "5152"],
    ["515253", "52", "5153"],
    ["535153535453", "53", "5154"],
    ["0302ff03", "0302ff03", ""],
    ["0302ff030302ff03", "0302ff03", ""],
    ["0302ff030302ff03", "02", "0302ff030302ff03"],
    ["0302ff030302ff03", "ff", "0302ff030302ff03"],
    ["0302ff030302ff03", "03", "02ff0302ff03"],
    ["02feed5169", "feed51", "02feed5169"],
    ["02feed5169", "02feed51", "69"],
    ["516902feed5169", "feed51", "516902feed5169"],
    ["516902feed5169", "02feed51", "516969"],
    ["00005151", "0051", "0051"],
    ["00005100510051", "0051", "00"],
    ["0003feed", "03feed", "00"],
    ["0003feed", "00", "03feed"],
  ];
  for (const [from, pushed, left] of cases) {
    assert.equal(toHex(findAndDelete(fromHex(from), fromHex(pushed))), left, `${pushed} from ${from}`);
  }
});
