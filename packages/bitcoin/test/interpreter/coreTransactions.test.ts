import assert from "node:assert/strict";
import { test } from "node:test";
import { type ScriptFlag, verifyTransaction } from "@fulmen/bitcoin/interpreter";
import { fromHex, outPointKey, type Sat, type Txid } from "@fulmen/bitcoin/primitives";
import { decodeTransaction, type Transaction, type TxOut } from "@fulmen/bitcoin/transaction";
import { fixture } from "../fixture.ts";
import { allFlags, assemble, parseFlags } from "./assembly.ts";

interface TransactionCase {
  readonly prevouts: readonly {
    readonly txid: string;
    readonly index: number;
    readonly script: string;
    readonly sat?: number;
  }[];
  readonly tx: string;
  readonly flags: string;
}

const valid = fixture<{ cases: readonly TransactionCase[] }>("core-tx-valid.json").cases;
const invalid = fixture<{ cases: readonly TransactionCase[] }>("core-tx-invalid.json").cases;

test("Core's valid transactions pass under all flags but those that they name", () => {
  assert.equal(valid.length, 121);
  for (const each of valid) {
    const { transaction, prevouts } = prepare(each);
    const excluded = parseFlags(each.flags);
    const flags = new Set(allFlags.filter((flag) => !excluded.has(flag)));
    assert.deepEqual(verifyTransaction(transaction, prevouts, flags), { ok: true }, each.tx);
  }
});

test("Core's valid transactions fail as soon as one of the named flags is added", () => {
  let added = 0;
  for (const each of valid) {
    const { transaction, prevouts } = prepare(each);
    const excluded = parseFlags(each.flags);
    for (const flag of excluded) {
      const fewer = trimmed(new Set([...excluded].filter((other) => other !== flag)));
      const flags = new Set(allFlags.filter((other) => !fewer.has(other)));
      assert.equal(verifyTransaction(transaction, prevouts, flags).ok, false, `${flag} ${each.tx}`);
      added++;
    }
  }
  assert.ok(added > 100, `${added}`);
});

test("Core's invalid transactions fail under the flags that they name, and pass without one of them", () => {
  // Those marked BADTX fail before any script runs: they are the chain's to refuse.
  const scripts = invalid.filter(({ flags }) => flags !== "BADTX");
  assert.equal(scripts.length, 84);
  for (const each of scripts) {
    const { transaction, prevouts } = prepare(each);
    const flags = parseFlags(each.flags);
    assert.equal(verifyTransaction(transaction, prevouts, flags).ok, false, each.tx);
    for (const flag of flags) {
      const fewer = trimmed(new Set([...flags].filter((other) => other !== flag)));
      assert.equal(verifyTransaction(transaction, prevouts, fewer).ok, true, `${flag} ${each.tx}`);
    }
  }
});

function prepare(each: TransactionCase): { transaction: Transaction; prevouts: readonly TxOut[] } {
  const transaction = decodeTransaction(fromHex(each.tx));
  const spent = new Map<string, TxOut>();
  for (const { txid, index, script, sat } of each.prevouts) {
    const prevout = { value: BigInt(sat ?? 0) as Sat, script: assemble(script) };
    spent.set(outPointKey({ txid: txid as Txid, index }), prevout);
  }
  const prevouts = transaction.inputs.map(({ outPoint }) => {
    const prevout = spent.get(outPointKey(outPoint));
    assert.ok(prevout, `no output for ${outPointKey(outPoint)}`);
    return prevout;
  });
  return { transaction, prevouts };
}

/** Without the flags whose ground is gone. */
function trimmed(flags: Set<ScriptFlag>): ReadonlySet<ScriptFlag> {
  if (!flags.has("p2sh")) flags.delete("witness");
  if (!flags.has("witness")) flags.delete("cleanstack");
  return flags;
}
