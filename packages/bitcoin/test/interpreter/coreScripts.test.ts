import assert from "node:assert/strict";
import { test } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { type ScriptFlag, type ScriptVerdict, verifyInput } from "@fulmen/bitcoin/interpreter";
import { fromHex, type Sat, type Txid } from "@fulmen/bitcoin/primitives";
import { p2tr } from "@fulmen/bitcoin/script";
import { encodeControlBlock, tapLeafHash, taprootOutputKey, tapscriptVersion } from "@fulmen/bitcoin/sighash";
import { type Transaction, type TxOut, txid } from "@fulmen/bitcoin/transaction";
import { fixture } from "../fixture.ts";
import { allFlags, assemble, parseFlags } from "./assembly.ts";

interface ScriptCase {
  readonly witness?: readonly string[];
  readonly sat?: number;
  readonly scriptSig: string;
  readonly script: string;
  readonly flags: string;
  readonly result: string;
}

const { cases } = fixture<{ cases: readonly ScriptCase[] }>("core-script-tests.json");

/** Core's own test data have two errors by other names than the source has. */
const renamed: Readonly<Record<string, string>> = { "unknown-error": "scriptnum", nullfail: "sig-nullfail" };

test("Core's script tests end as they say, with the error that they name", () => {
  assert.equal(cases.length, 1212);
  for (const each of cases) {
    const { flags, spend } = prepare(each);
    assert.equal(outcome(verifyInput({ ...spend, flags })), expectedOutcome(each), JSON.stringify(each));
  }
});

test("fewer flags never refuse what passed, more never accept what failed", () => {
  const random = randomBits(20_091_031);
  for (const each of cases) {
    const { flags, spend } = prepare(each);
    const passes = each.result === "OK";
    const others = allFlags.filter(random);
    const changed = new Set(
      passes ? [...flags].filter((flag) => !others.includes(flag)) : [...flags, ...others],
    );
    if (!isConsistent(changed)) continue;
    assert.equal(
      verifyInput({ ...spend, flags: changed }).ok,
      passes,
      `${[...changed]} ${JSON.stringify(each)}`,
    );
  }
});

function outcome(verdict: ScriptVerdict): string {
  return verdict.ok ? "ok" : verdict.error;
}

function expectedOutcome({ result }: ScriptCase): string {
  const kebab = result.toLowerCase().replaceAll("_", "-");
  return renamed[kebab] ?? kebab;
}

/** The spend of a case: one input that spends the only output of a first transaction. */
function prepare(each: ScriptCase) {
  const flags = parseFlags(each.flags);
  if (flags.has("cleanstack")) flags.add("witness").add("p2sh");
  const { witness, outputKey } = witnessOf(each.witness ?? []);
  const script = each.script === "0x51 0x20 #TAPROOTOUTPUT#" ? p2tr(outputKey) : assemble(each.script);
  const prevout: TxOut = { value: BigInt(each.sat ?? 0) as Sat, script };
  const credit = oneToOne({ txid: "00".repeat(32) as Txid, index: 0xffff_ffff }, prevout, {
    scriptSig: Uint8Array.of(0, 0),
    witness: [],
  });
  const transaction = oneToOne(
    { txid: txid(credit), index: 0 },
    { value: prevout.value, script: new Uint8Array(0) },
    { scriptSig: assemble(each.scriptSig), witness },
  );
  return { flags, spend: { transaction, inputIndex: 0, prevouts: [prevout] } };
}

function oneToOne(
  outPoint: Transaction["inputs"][number]["outPoint"],
  output: TxOut,
  signed: { readonly scriptSig: Uint8Array; readonly witness: readonly Uint8Array[] },
): Transaction {
  const input = { outPoint, sequence: 0xffff_ffff, ...signed };
  return { version: 1, inputs: [input], outputs: [output], locktime: 0 };
}

/**
 * Elements are hex, a script in text form, or the control block of the script before for a tree with only that leaf.
 */
function witnessOf(elements: readonly string[]) {
  const internalKey = crypto()
    .publicKey(fromHex(`${"00".repeat(31)}01`))
    .subarray(1);
  const witness: Uint8Array[] = [];
  let outputKey: Uint8Array = new Uint8Array(32);
  for (const element of elements) {
    if (element.startsWith("#SCRIPT#")) {
      witness.push(assemble(element.slice("#SCRIPT#".length)));
    } else if (element === "#CONTROLBLOCK#") {
      const key = taprootOutputKey(internalKey, tapLeafHash(witness.at(-1) ?? new Uint8Array(0)));
      assert.ok(key);
      outputKey = key.point;
      const { parity } = key;
      witness.push(encodeControlBlock({ leafVersion: tapscriptVersion, parity, internalKey, path: [] }));
    } else {
      witness.push(fromHex(element));
    }
  }
  return { witness, outputKey };
}

function isConsistent(flags: ReadonlySet<ScriptFlag>): boolean {
  const witness = !flags.has("witness") || flags.has("p2sh");
  return witness && (!flags.has("cleanstack") || flags.has("witness"));
}

/** Coin tosses from a seed (a linear congruential generator). */
function randomBits(seed: number): () => boolean {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 31 === 1;
  };
}
