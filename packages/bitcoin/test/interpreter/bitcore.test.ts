import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { consensusFlags, verifyInput } from "@fulmen/bitcoin/interpreter";
import { op, script } from "@fulmen/bitcoin/script";
import { tapBranchHash, tapLeafHash } from "@fulmen/bitcoin/sighash";
import type { Transaction, TxOut } from "@fulmen/bitcoin/transaction";
import fc from "fast-check";
import { inBitcore } from "../bitcore.ts";
import {
  keyNumber,
  type Lock,
  lockKeyPath,
  lockLeaf,
  lockP2pkh,
  lockP2wpkh,
  lockP2wsh,
  multisig,
  nested,
  pubkeyOf,
  spendAll,
  xOnlyOf,
} from "./spends.ts";

interface BitcoreScriptClass {
  new (bytes: Buffer): object;
  readonly Interpreter: (new () => {
    verify(...input: readonly unknown[]): boolean;
    readonly errstr: string;
  }) &
    Readonly<Record<string, number>>;
}

const { Script } = createRequire(import.meta.url)("bitcore-lib") as { Script: BitcoreScriptClass };
const { Interpreter } = Script;

const theirFlags = [
  "P2SH",
  "DERSIG",
  "NULLDUMMY",
  "CHECKLOCKTIMEVERIFY",
  "CHECKSEQUENCEVERIFY",
  "WITNESS",
  "TAPROOT",
].reduce((flags, name) => flags | (Interpreter[`SCRIPT_VERIFY_${name}`] ?? assert.fail(name)), 0);

function theirVerdict(transaction: Transaction, index: number, prevouts: readonly TxOut[]): boolean {
  const input = transaction.inputs[index];
  const prevout = prevouts[index];
  assert.ok(input && prevout);
  return new Interpreter().verify(
    new Script(Buffer.from(input.scriptSig)),
    new Script(Buffer.from(prevout.script)),
    inBitcore(transaction, prevouts),
    index,
    theirFlags,
    input.witness.map((element) => Buffer.from(element)),
    Number(prevout.value),
  );
}

const none = new Uint8Array(0);
const keys = fc.integer({ min: 1, max: 200 }).map(keyNumber);
const checksig = (key: Uint8Array) => script(xOnlyOf(key), op.CHECKSIG);

/** Locks of every kind that wallets and channels use, with what opens them. */
const locks: fc.Arbitrary<Lock> = fc.oneof(
  keys.map(lockP2pkh),
  keys.map(lockP2wpkh),
  keys.map((key) => nested(lockP2wpkh(key))),
  fc
    .tuple(keys, keys, keys, fc.boolean())
    .map(([a, b, c, last]) =>
      lockP2wsh(multisig(2n, [a, b, c]), [none, { signedBy: a }, { signedBy: last ? c : b }]),
    ),
  fc.tuple(keys, keys).map(([a, b]) => nested(lockP2wsh(multisig(1n, [a, b]), [none, { signedBy: b }]))),
  fc
    .tuple(
      keys,
      fc.bigInt({ min: 0n, max: 400n }),
      fc.constantFrom(op.CHECKSEQUENCEVERIFY, op.CHECKLOCKTIMEVERIFY),
    )
    .map(([key, lock, opcode]) =>
      lockP2wsh(script(lock, opcode, op.DROP, pubkeyOf(key), op.CHECKSIG), [{ signedBy: key }]),
    ),
  fc.tuple(keys, fc.boolean()).map(([key, hasScripts]) => {
    return lockKeyPath(key, hasScripts ? tapLeafHash(checksig(key)) : undefined);
  }),
  fc
    .tuple(keys, keys, fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }))
    .map(([a, b, tail]) => {
      const annex = tail === undefined ? {} : { annex: Uint8Array.of(0x50, ...tail) };
      return lockLeaf({
        leaf: checksig(a),
        path: [tapLeafHash(checksig(b))],
        elements: [{ signedBy: a }],
        ...annex,
      });
    }),
  fc.tuple(keys, keys, fc.boolean()).map(([a, b, both]) => {
    const leaf = script(
      ...[xOnlyOf(a), op.CHECKSIG, xOnlyOf(b), op.CHECKSIGADD, both ? op._2 : op._1, op.NUMEQUAL],
    );
    const path = [tapLeafHash(checksig(a)), tapBranchHash(tapLeafHash(leaf), tapLeafHash(checksig(b)))];
    return lockLeaf({ leaf, path, elements: [both ? { signedBy: b } : none, { signedBy: a }] });
  }),
);

const shapes = fc.record(
  {
    version: fc.constantFrom(1, 2, 3),
    locktime: fc.constantFrom(0, 200, 399, 500_000_001),
    sequence: fc.constantFrom(0, 144, 399, 0x40_0090, 0xffff_fffd, 0xffff_ffff),
    type: fc.constantFrom(1, 2, 3, 0x81, 0x82, 0x83),
  },
  { noNullPrototype: true },
);

test("signed spends of every kind end as in bitcore, also with one bit of them flipped", () => {
  let accepted = 0;
  let refused = 0;
  const flips = fc.option(fc.record({ where: fc.nat(), bit: fc.nat() }), { nil: undefined, freq: 2 });
  const property = fc.property(
    fc.array(locks, { minLength: 1, maxLength: 3 }),
    shapes,
    flips,
    (each, shape, flip) => {
      const { transaction: signed, prevouts } = spendAll(each, shape);
      const transaction = flip === undefined ? signed : flipped(signed, flip);
      for (const inputIndex of transaction.inputs.keys()) {
        const verdict = verifyInput({ transaction, inputIndex, prevouts, flags: consensusFlags });
        assert.equal(verdict.ok, theirVerdict(transaction, inputIndex, prevouts), JSON.stringify(verdict));
        if (verdict.ok) accepted++;
        else refused++;
      }
    },
  );
  fc.assert(property, { seed: 11, numRuns: 120 });
  assert.ok(accepted > 80 && refused > 20, `${accepted} accepted, ${refused} refused`);
});

/** Opcodes that need nothing of the transaction, so that most of what can happen to a stack happens. */
const stackOpcodes = Object.entries(op)
  .filter(([name, value]) => value >= op._1NEGATE && value <= op.HASH256 && !/^(VER|RES|NOP)/.test(name))
  .map(([, value]) => value);

/** Leaves "was anything left" alone on the stack if at most one element was, so that more than a few scripts pass. */
const epilogue = [
  ...[op.DEPTH, op._0NOTEQUAL, op.TOALTSTACK],
  ...[op.DEPTH, op._1, op.NUMEQUAL, op.IF, op.DROP, op.ENDIF, op.FROMALTSTACK],
];

test("random scripts end as in bitcore, in P2WSH and as a leaf", () => {
  const part = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...stackOpcodes) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 3 }) },
    { weight: 2, arbitrary: fc.constantFrom(op._0, op._1, op._2, op._3) },
  );
  let accepted = 0;
  const elements = fc.array(fc.uint8Array({ maxLength: 2 }), { minLength: 4, maxLength: 8 });
  const property = fc.property(
    fc.array(part, { maxLength: 14 }),
    elements,
    fc.boolean(),
    (parts, stack, leaf) => {
      const program = script(...parts, ...epilogue);
      const lock = leaf ? lockLeaf({ leaf: program, elements: stack }) : lockP2wsh(program, stack);
      const { transaction, prevouts } = spendAll([lock]);
      const verdict = verifyInput({ transaction, inputIndex: 0, prevouts });
      assert.equal(verdict.ok, theirVerdict(transaction, 0, prevouts), JSON.stringify(verdict));
      if (verdict.ok) accepted++;
    },
  );
  fc.assert(property, { seed: 12, numRuns: 600 });
  assert.ok(accepted > 20, `${accepted} accepted`);
});

/** The transaction with one bit flipped in its locktime, an output's value or an element of a witness. */
function flipped(tx: Transaction, { where, bit }: { where: number; bit: number }): Transaction {
  const index = where % tx.inputs.length;
  if (where % 5 === 0) return { ...tx, locktime: (tx.locktime ^ 1) >>> 0 };
  if (where % 5 === 1) {
    const outputs = tx.outputs.map((output, i) =>
      i === index ? { ...output, value: (output.value ^ 1n) as TxOut["value"] } : output,
    );
    return { ...tx, outputs };
  }
  const inputs = tx.inputs.map((input, i) => {
    if (i !== index || input.witness.length === 0) return input;
    const element = bit % input.witness.length;
    const witness = input.witness.map((bytes, j) => (j === element ? withFlippedBit(bytes, bit) : bytes));
    return { ...input, witness };
  });
  return { ...tx, inputs };
}

function withFlippedBit(bytes: Uint8Array, bit: number): Uint8Array {
  const at = bit % Math.max(1, bytes.length);
  return bytes.map((byte, i) => (i === at ? byte ^ (1 << (bit % 8)) : byte));
}
