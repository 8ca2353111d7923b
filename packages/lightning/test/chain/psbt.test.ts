import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex, type Sat, type Txid, toHex } from "@fulmen/bitcoin/primitives";
import { p2a, p2wpkh } from "@fulmen/bitcoin/script";
import { encodeTransaction, type Transaction } from "@fulmen/bitcoin/transaction";
import { claimIdOf, unsignedPsbt } from "@fulmen/lightning/chain";

const spent = [
  { value: 240n as Sat, script: p2a() },
  { value: 10_000n as Sat, script: p2wpkh(new Uint8Array(20).fill(7)) },
];

const child: Transaction = {
  version: 3,
  locktime: 0,
  inputs: ["aa", "bb"].map((byte, index) => ({
    outPoint: { txid: byte.repeat(32) as Txid, index },
    scriptSig: new Uint8Array(0),
    sequence: 0xffff_fffd,
    witness: [],
  })),
  outputs: [{ value: 9_000n as Sat, script: p2wpkh(new Uint8Array(20).fill(8)) }],
};

test("a PSBT is the magic, the transaction, and a map for each input and output (BIP 174)", () => {
  const transaction = toHex(encodeTransaction(child));
  const length = (transaction.length / 2).toString(16).padStart(2, "0");
  const expected = [
    "70736274ff",
    `0100${length}${transaction}00`,
    "01010df0000000000000000451024e7300",
    `01011f1027000000000000160014${"07".repeat(20)}00`,
    "00",
  ];
  assert.equal(toHex(unsignedPsbt(child, spent)), expected.join(""));
});

test("witnesses stay out of a PSBT's transaction", () => {
  const witnessed = {
    ...child,
    inputs: child.inputs.map((input) => ({ ...input, witness: [fromHex("00")] })),
  };
  assert.deepEqual(unsignedPsbt(witnessed, spent), unsignedPsbt(child, spent));
});

test("each input needs its spent output, and a claim id 32 bytes", () => {
  assert.throws(() => unsignedPsbt(child, spent.slice(1)), /one spent output/);
  assert.equal(claimIdOf(new Uint8Array(32)), "00".repeat(32));
  assert.throws(() => claimIdOf(new Uint8Array(31)), /31 bytes/);
});
