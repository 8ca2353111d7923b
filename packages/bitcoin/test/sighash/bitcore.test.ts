import assert from "node:assert/strict";
import { test } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { toHex } from "@fulmen/bitcoin/primitives";
import { op, script } from "@fulmen/bitcoin/script";
import { legacySighash, segwitV0Sighash, taprootSighash } from "@fulmen/bitcoin/sighash";
import { ByteWriter, type Transaction, type TxOut, txid } from "@fulmen/bitcoin/transaction";
import fc from "fast-check";
import { bitcore, inBitcore } from "../bitcore.ts";
import { bytes32, unsignedTransactions } from "../generated.ts";

const key = new Uint8Array(32).fill(7);
const xOnly = Buffer.from(crypto().publicKey(key).subarray(1));

const types = fc.constantFrom(0x01, 0x02, 0x03, 0x81, 0x82, 0x83);
const scripts = fc
  .array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(op.CODESEPARATOR, op.CHECKSIG, op.DUP)), {
    maxLength: 5,
  })
  .map((parts) => script(...parts));
const values = fc.bigInt({ min: 0n, max: 21_000_000n * 100_000_000n });
const spends = fc.record({ type: types, script: scripts, value: values, pick: fc.nat() });

/** bitcore takes versions as unsigned and output indexes as signed numbers, and reads scripts, which must parse. */
const ordinary: fc.Arbitrary<Transaction> = fc
  .tuple(unsignedTransactions, fc.array(scripts, { minLength: 5, maxLength: 5 }))
  .map(([tx, outputScripts]) => ({
    ...tx,
    version: tx.version & 0x7fff_ffff,
    inputs: tx.inputs.map(({ outPoint, sequence }) => ({
      outPoint: { txid: outPoint.txid, index: outPoint.index & 0x7fff_ffff },
      scriptSig: new Uint8Array(0),
      sequence,
      witness: [],
    })),
    outputs: tx.outputs.map(({ value }, i) => ({ value, script: outputScripts[i] ?? script() })),
  }));

const runs = { seed: 3, numRuns: 150 };

test("txids are those of bitcore", () => {
  fc.assert(
    fc.property(ordinary, (tx) => assert.equal(txid(tx), inBitcore(tx).id)),
    runs,
  );
});

test("legacy sighashes are those of bitcore", () => {
  const property = fc.property(ordinary, spends, (tx, { type, script: code, pick }) => {
    const index = pick % tx.inputs.length;
    const theirs = bitcore.Transaction.Sighash.sighash(
      inBitcore(tx),
      type,
      index,
      new bitcore.Script(Buffer.from(code)),
    );
    assert.equal(
      toHex(legacySighash(tx, index, { scriptCode: code, type }).reverse()),
      theirs.toString("hex"),
    );
  });
  fc.assert(property, runs);
});

test("BIP 143 sighashes are those of bitcore", () => {
  const property = fc.property(ordinary, spends, (tx, { type, script: code, value, pick }) => {
    const index = pick % tx.inputs.length;
    const [codeBytes, valueBytes] = [new ByteWriter().varBytes(code), new ByteWriter().u64(value)];
    const theirs = bitcore.Transaction.SighashWitness.sighash(
      inBitcore(tx),
      type,
      index,
      Buffer.from(codeBytes.finish()),
      Buffer.from(valueBytes.finish()),
    );
    const spend = { scriptCode: code, value: value as TxOut["value"], type };
    assert.equal(toHex(segwitV0Sighash(tx, index, spend)), theirs.toString("hex"));
  });
  fc.assert(property, runs);
});

test("bitcore verifies what is signed by BIP 341 and 342", () => {
  const extras = fc.record({
    annex: fc.option(
      fc.uint8Array({ maxLength: 50 }).map((rest) => Uint8Array.of(0x50, ...rest)),
      { nil: undefined },
    ),
    leafHash: fc.option(bytes32, { nil: undefined }),
    position: fc.integer({ min: 0, max: 0xffff_ffff }),
    default: fc.boolean(),
  });
  const property = fc.property(
    ordinary,
    spends,
    extras,
    (tx, spend, { annex, leafHash, position, ...extra }) => {
      const index = spend.pick % tx.inputs.length;
      const type = extra.default ? 0 : spend.type;
      fc.pre((type & 3) !== 3 || index < tx.outputs.length);
      const prevouts = tx.inputs.map((_, i) => ({
        value: (spend.value + BigInt(i)) as TxOut["value"],
        script: script(op._1, crypto().sha256(Uint8Array.of(i))),
      }));
      const hash = taprootSighash(tx, index, {
        prevouts,
        type,
        ...(annex && { annex }),
        ...(leafHash && { leafHash, codeSeparatorPosition: position }),
      });
      const signature = crypto().schnorrSign(hash, key, key);
      const typed = Buffer.from(type === 0 ? signature : [...signature, type]);
      const data = {
        annexInit: true,
        annexPresent: annex !== undefined,
        annexHash: annex && Buffer.from(crypto().sha256(new ByteWriter().varBytes(annex).finish())),
        tapleafHashInit: true,
        tapleafHash: leafHash && Buffer.from(leafHash),
        codeseparatorPosInit: true,
        codeseparatorPos: position,
      };
      const theirs = inBitcore(tx, prevouts);
      const version = leafHash === undefined ? 2 : 3;
      assert.equal(theirs.checkSchnorrSignature(typed, xOnly, index, version, data), true);
      const other = {
        ...data,
        tapleafHash: undefined,
        annexPresent: annex === undefined,
        annexHash: Buffer.alloc(32),
      };
      assert.equal(theirs.checkSchnorrSignature(typed, xOnly, index, 2, other), false);
    },
  );
  fc.assert(property, { seed: 4, numRuns: 25 });
});
