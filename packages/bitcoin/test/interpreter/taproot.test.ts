import assert from "node:assert/strict";
import { test } from "node:test";
import {
  consensusFlags,
  type ScriptError,
  type ScriptFlag,
  type ScriptFlags,
  standardFlags,
  verifyInput,
  verifyTransaction,
} from "@fulmen/bitcoin/interpreter";
import { fromHex, type Sat } from "@fulmen/bitcoin/primitives";
import { hash160, op, p2a, p2sh, script } from "@fulmen/bitcoin/script";
import { decodeTransaction, type Transaction, type TxOut } from "@fulmen/bitcoin/transaction";
import { fixture } from "../fixture.ts";
import { keyNumber, type Lock, lockKeyPath, lockLeaf, pubkeyOf, spendAll, xOnlyOf } from "./spends.ts";

const key = keyNumber(1);
const other = keyNumber(2);
const one = Uint8Array.of(1);
const none = new Uint8Array(0);

/** How a spend of a single lock ends. */
function outcome(
  lock: Lock,
  flags: ScriptFlags = consensusFlags,
  shape: Parameters<typeof spendAll>[1] = {},
) {
  const { transaction, prevouts } = spendAll([lock], shape);
  const verdict = verifyInput({ transaction, inputIndex: 0, prevouts, flags });
  return verdict.ok ? "ok" : verdict.error;
}

function withFlag(flag: ScriptFlag): ScriptFlags {
  return new Set([...consensusFlags, flag]);
}

interface KeyPathVector {
  readonly given: {
    readonly rawUnsignedTx: string;
    readonly utxosSpent: readonly { readonly scriptPubKey: string; readonly amountSats: number }[];
  };
  readonly inputSpending: readonly {
    readonly given: { readonly txinIndex: number };
    readonly expected: { readonly witness: readonly string[] };
  }[];
  readonly auxiliary: { readonly fullySignedTx: string };
}

test("BIP 341's signed transaction passes in all inputs, and none once an amount is another", () => {
  const [vector] = fixture<{ keyPathSpending: readonly KeyPathVector[] }>("bip341.json").keyPathSpending;
  assert.ok(vector);
  const unsigned = decodeTransaction(fromHex(vector.given.rawUnsignedTx));
  const witnesses = new Map(
    vector.inputSpending.map(({ given, expected }) => [given.txinIndex, expected.witness.map(fromHex)]),
  );
  const transaction: Transaction = {
    ...unsigned,
    inputs: unsigned.inputs.map((input, i) => ({ ...input, witness: witnesses.get(i) ?? [] })),
  };
  const prevouts = vector.given.utxosSpent.map(({ scriptPubKey, amountSats }) => ({
    value: BigInt(amountSats) as Sat,
    script: fromHex(scriptPubKey),
  }));
  assert.equal(witnesses.size, 7);
  for (const inputIndex of witnesses.keys()) {
    assert.deepEqual(verifyInput({ transaction, inputIndex, prevouts }), { ok: true });
  }
  const dearer: TxOut[] = prevouts.map((prevout) => ({ ...prevout, value: (prevout.value + 1n) as Sat }));
  for (const inputIndex of witnesses.keys()) {
    const verdict = verifyInput({ transaction, inputIndex, prevouts: dearer });
    assert.deepEqual(verdict, { ok: false, error: "schnorr-sig" });
  }
});

test("the key path: signature sizes, types and a witness at all", () => {
  const lock = lockKeyPath(key);
  for (const type of [0, 1, 2, 3, 0x81, 0x82, 0x83]) {
    assert.equal(outcome(lock, standardFlags, { type }), "ok");
  }
  const opened = (change: (signature: Uint8Array) => readonly Uint8Array[], type = 0): Lock => ({
    script: lock.script,
    open: (unsigned) => ({
      scriptSig: none,
      witness: change(lock.open({ ...unsigned, type }).witness[0] ?? none),
    }),
  });
  assert.equal(outcome(opened((signature) => [signature.subarray(1)])), "schnorr-sig-size");
  assert.equal(outcome(opened(() => [none])), "schnorr-sig-size");
  assert.equal(outcome(opened((signature) => [Uint8Array.of(...signature, 0)])), "schnorr-sig-hashtype");
  assert.equal(outcome(opened((signature) => [Uint8Array.of(...signature, 4)])), "schnorr-sig-hashtype");
  assert.equal(outcome(opened((signature) => [Uint8Array.of(...signature, 0x80)])), "schnorr-sig-hashtype");
  assert.equal(outcome(opened((signature) => [Uint8Array.of(...signature, 2)])), "schnorr-sig");
  assert.equal(outcome(opened(() => [])), "witness-program-witness-empty");
  assert.equal(outcome(opened((signature) => [signature, Uint8Array.of(0x50, 1)])), "schnorr-sig");
  assert.equal(
    outcome(
      opened(() => [none]),
      new Set(["p2sh", "witness"]),
    ),
    "ok",
  );
});

test("a single sighash needs the output of its index", () => {
  const { transaction, prevouts } = spendAll([lockKeyPath(key), lockKeyPath(other)], { type: 3 });
  assert.deepEqual(verifyTransaction(transaction, prevouts), { ok: true });
  const shorter = { ...transaction, outputs: transaction.outputs.slice(0, 1) };
  assert.deepEqual(verifyTransaction(shorter, prevouts), {
    ok: false,
    inputIndex: 1,
    error: "schnorr-sig-hashtype",
  });
});

test("the script path: the control block must lead from the leaf to the key", () => {
  const leaf = script(xOnlyOf(key), op.CHECKSIG);
  const path = [keyNumber(5), keyNumber(250)];
  const lock = lockLeaf({ leaf, path, elements: [{ signedBy: key }] });
  assert.equal(outcome(lock, standardFlags), "ok");
  const changed = (change: (control: Uint8Array) => Uint8Array): Lock => ({
    script: lock.script,
    open(unsigned) {
      const { scriptSig, witness } = lock.open(unsigned);
      return { scriptSig, witness: [...witness.slice(0, 2), change(witness[2] ?? none)] };
    },
  });
  const flip = (at: number) => changed((control) => control.map((byte, i) => (i === at ? byte ^ 1 : byte)));
  for (const at of [0, 1, 33, 96]) assert.equal(outcome(flip(at)), "witness-program-mismatch");
  const sizes: readonly ((control: Uint8Array) => Uint8Array)[] = [
    (control) => control.subarray(0, 32),
    (control) => control.subarray(0, 64),
    (control) => Uint8Array.of(...control, ...new Uint8Array(32 * 127)),
  ];
  for (const change of sizes) assert.equal(outcome(changed(change)), "taproot-wrong-control-size");
  const otherLeaf = lockLeaf({ leaf, path, elements: [{ signedBy: other }] });
  assert.equal(outcome(otherLeaf), "schnorr-sig");
});

test("signatures commit to the annex and to the last code separator that ran", () => {
  const annex = Uint8Array.of(0x50, 1, 2, 3);
  const signed = { leaf: script(xOnlyOf(key), op.CHECKSIG), elements: [{ signedBy: key }] };
  assert.equal(outcome(lockLeaf({ ...signed, annex })), "ok");
  const dropped: Lock = {
    script: lockLeaf(signed).script,
    open: (unsigned) => {
      const { scriptSig, witness } = lockLeaf(signed).open(unsigned);
      return { scriptSig, witness: [...witness, annex] };
    },
  };
  assert.equal(outcome(dropped), "schnorr-sig");
  const leaf = script(op._0, op.IF, op.CODESEPARATOR, op.ENDIF, op.CODESEPARATOR, xOnlyOf(key), op.CHECKSIG);
  const separated = { leaf, elements: [{ signedBy: key }] };
  assert.equal(outcome(lockLeaf({ ...separated, codeSeparatorPosition: 4 })), "ok");
  assert.equal(outcome(lockLeaf({ ...separated, codeSeparatorPosition: 2 })), "schnorr-sig");
  assert.equal(outcome(lockLeaf(separated)), "schnorr-sig");
});

test("leaves of other versions, unknown keys and OP_SUCCESS open to anyone, unless discouraged", () => {
  const cases: readonly (readonly [Lock, ScriptFlag & ScriptError])[] = [
    [
      lockLeaf({ leaf: script(op.RETURN), leafVersion: 0xc2, elements: [] }),
      "discourage-upgradable-taproot-version",
    ],
    [
      lockLeaf({ leaf: script(pubkeyOf(key), op.CHECKSIG), elements: [one] }),
      "discourage-upgradable-pubkeytype",
    ],
    [lockLeaf({ leaf: script(op.RETURN, op.CAT), elements: [] }), "discourage-op-success"],
    [lockLeaf({ leaf: script(op._1, 0xfe, 0x4c), elements: [] }), "discourage-op-success"],
    [lockLeaf({ leaf: script(op.VER), elements: [new Uint8Array(521)] }), "discourage-op-success"],
  ];
  for (const [lock, flag] of cases) {
    assert.equal(outcome(lock), "ok", flag);
    assert.equal(outcome(lock, withFlag(flag)), flag);
  }
  assert.equal(outcome(lockLeaf({ leaf: script(0x4c, op.CAT), elements: [] })), "bad-opcode");
  assert.equal(outcome(lockLeaf({ leaf: script(op._1, 0xff), elements: [] })), "bad-opcode");
});

test("tapscript's own rules", () => {
  const run = (leaf: Uint8Array, ...elements: readonly (Uint8Array | { readonly signedBy: Uint8Array })[]) =>
    outcome(lockLeaf({ leaf, elements }));
  assert.equal(run(script(op.IF, op._1, op.ENDIF), Uint8Array.of(2)), "tapscript-minimalif");
  assert.equal(run(script(op.IF, op._1, op.ENDIF), one), "ok");
  assert.equal(run(script(op._0, op._0, op._0, op.CHECKMULTISIG)), "tapscript-checkmultisig");
  assert.equal(run(script(op._1, op._1)), "cleanstack");
  assert.equal(run(script(op._0)), "eval-false");
  assert.equal(run(script(op._0, op._0, op.CHECKSIG)), "pubkeytype");
  assert.equal(run(script(op._1), new Uint8Array(521)), "push-size");
  // No limits on the script's size and on opcodes.
  assert.equal(run(script(...new Array<number>(10_001).fill(op.NOP), op._1)), "ok");
  assert.equal(run(script(...new Array<number>(1001).fill(op._1))), "stack-size");
  assert.equal(
    outcome(lockLeaf({ leaf: script(op._1), elements: new Array<Uint8Array>(1001).fill(one) })),
    "stack-size",
  );
});

test("OP_CHECKSIGADD counts signatures", () => {
  const keys = [keyNumber(11), keyNumber(12), keyNumber(13)] as const;
  const [a, b, c] = keys;
  const leaf = script(
    ...[xOnlyOf(a), op.CHECKSIG, xOnlyOf(b), op.CHECKSIGADD, xOnlyOf(c), op.CHECKSIGADD],
    ...[op._2, op.NUMEQUAL],
  );
  const run = (...elements: readonly (Uint8Array | { readonly signedBy: Uint8Array })[]) =>
    outcome(lockLeaf({ leaf, elements }), standardFlags);
  assert.equal(run({ signedBy: c }, none, { signedBy: a }), "ok");
  assert.equal(run({ signedBy: c }, { signedBy: b }, none), "ok");
  assert.equal(run({ signedBy: c }, none, none), "eval-false");
  assert.equal(run({ signedBy: c }, { signedBy: b }, { signedBy: a }), "eval-false");
  assert.equal(run({ signedBy: b }, none, { signedBy: a }), "schnorr-sig");
  assert.equal(run(none, none), "invalid-stack-operation");
});

test("a witness pays 50 weight units for each signature check after the first", () => {
  const repeated = (times: number): Lock => {
    const check = [op._2DUP, op.CHECKSIGVERIFY];
    const leaf = script(xOnlyOf(key), ...new Array<number[]>(times - 1).fill(check).flat(), op.CHECKSIG);
    return lockLeaf({ leaf, elements: [{ signedBy: key }] });
  };
  // Count, then 64 bytes, 34 + 2 * (times - 1) bytes and 33 bytes, each behind its length, and 50 for free.
  const budget = (times: number) => 1 + 65 + (1 + 34 + 2 * (times - 1)) + 34 + 50;
  assert.ok(budget(3) >= 150 && budget(4) < 200);
  assert.equal(outcome(repeated(3), consensusFlags, { type: 0 }), "ok");
  assert.equal(outcome(repeated(4), consensusFlags, { type: 0 }), "tapscript-validation-weight");
});

test("branches that do not run are skipped at the same speed however deep they nest", () => {
  const depth = 300_000;
  const opened = new Array<number>(999).fill(op._1);
  const leaf = Uint8Array.from([
    ...opened,
    ...new Array<number>(999).fill(op.IF),
    ...[op._0, op.IF],
    ...new Array<number>(depth).fill(op.IF),
    ...new Array<number>(depth + 1000).fill(op.ENDIF),
    op._1,
  ]);
  assert.equal(outcome(lockLeaf({ leaf, elements: [] })), "ok");
});

test("pay-to-anchor opens with nothing, and is an unknown program inside P2SH", () => {
  const anchor: Lock = { script: p2a(), open: () => ({ scriptSig: none, witness: [] }) };
  assert.equal(outcome(anchor, standardFlags), "ok");
  const wrapped: Lock = {
    script: p2sh(hash160(p2a())),
    open: () => ({ scriptSig: script(p2a()), witness: [] }),
  };
  assert.equal(outcome(wrapped), "ok");
  assert.equal(outcome(wrapped, standardFlags), "discourage-upgradable-witness-program");
});

test("misuse throws", () => {
  const { transaction, prevouts } = spendAll([lockKeyPath(key)]);
  assert.throws(() => verifyInput({ transaction, inputIndex: 1, prevouts }), RangeError);
  assert.throws(() => verifyInput({ transaction, inputIndex: 0, prevouts: [] }), RangeError);
  const flags = (...given: ScriptFlag[]) => ({ transaction, inputIndex: 0, prevouts, flags: new Set(given) });
  assert.throws(() => verifyInput(flags("witness")), RangeError);
  assert.throws(() => verifyInput(flags("p2sh", "cleanstack")), RangeError);
});
