import { classifyScript, dustLimit, op, readOp } from "@fulmen/bitcoin/script";
import { strippedSize, type Transaction, weight } from "@fulmen/bitcoin/transaction";
import type { Coin } from "./coins.ts";
import type { MempoolPolicy } from "./policy.ts";
import type { NonStandardRule, Refusal } from "./refusal.ts";

const maxWeight = 400_000;
/** Transactions of 64 bytes could be taken for inner nodes of a merkle tree (CVE-2017-12842). */
const minStrippedSize = 65;
const maxScriptSigSize = 1650;

/**
 * Why nodes do not relay a transaction by its form alone. Bare multisig outputs are refused too, which Core relays;
 * limits on signature operations are left out.
 */
export function formRefusal(tx: Transaction, policy: MempoolPolicy): Refusal | undefined {
  if (tx.version < 1 || tx.version > 3) return nonStandard("version");
  if (weight(tx) > maxWeight) return nonStandard("weight");
  if (strippedSize(tx) < minStrippedSize) return nonStandard("size-too-small");
  for (const [index, { scriptSig }] of tx.inputs.entries()) {
    if (scriptSig.length > maxScriptSigSize) return nonStandard("script-sig-size", index);
    if (!isPushOnly(scriptSig)) return nonStandard("script-sig-not-push-only", index);
  }
  let dataLeft = policy.maxDataCarrierSize;
  for (const [index, { script }] of tx.outputs.entries()) {
    const { kind } = classifyScript(script);
    if (kind === "other" || (kind === "unspendable" && !isDataCarrier(script))) {
      return nonStandard("output-script", index);
    }
    if (kind === "unspendable") dataLeft -= script.length;
  }
  if (dataLeft < 0) return nonStandard("data-carrier-size");
  const dust = dustOutputs(tx);
  return dust.length > 1 ? { kind: "dust", outputs: dust } : undefined;
}

/** Indexes of the outputs that cost more to spend than they are worth. */
export function dustOutputs(tx: Transaction): readonly number[] {
  return [...tx.outputs.entries()].flatMap(([index, { value, script }]) =>
    value < dustLimit(script) ? [index] : [],
  );
}

/** Why nodes do not relay a transaction by what it spends and how. */
export function inputsRefusal(tx: Transaction, coins: readonly Coin[]): Refusal | undefined {
  for (const [index, { scriptSig, witness }] of tx.inputs.entries()) {
    const script = coins[index]?.output.script;
    if (script === undefined) continue;
    const spent = classifyScript(script);
    if (spent.kind === "other" || spent.kind === "unknown-witness") return nonStandard("input-script", index);
    const opened = spent.kind === "p2sh" ? redeemScript(scriptSig) : script;
    const rule = witness.length === 0 ? undefined : witnessRule(opened, witness, spent.kind === "p2sh");
    if (rule !== undefined) return nonStandard(rule, index);
  }
  return undefined;
}

/** Limits on what witnesses may be stuffed with: script size, number and size of elements. */
function witnessRule(
  opened: Uint8Array,
  witness: readonly Uint8Array[],
  nested: boolean,
): NonStandardRule | undefined {
  const { kind } = classifyScript(opened);
  const script = witness.at(-1) ?? new Uint8Array(0);
  if (kind === "p2wpkh") return undefined;
  if (kind === "p2wsh") {
    const elements = witness.slice(0, -1);
    const fits = script.length <= 3600 && elements.length <= 100 && elements.every(isShort);
    return fits ? undefined : "witness";
  }
  if (kind !== "p2tr" || nested) return "witness";
  const annex = witness.length >= 2 && script[0] === 0x50;
  if (annex) return "annex";
  const isTapscript = witness.length >= 2 && ((script[0] ?? 0) & 0xfe) === 0xc0;
  return isTapscript && !witness.slice(0, -2).every(isShort) ? "witness" : undefined;
}

function isShort(element: Uint8Array): boolean {
  return element.length <= 80;
}

/** The last element that a script of pushes leaves. */
function redeemScript(scriptSig: Uint8Array): Uint8Array {
  let last: Uint8Array = new Uint8Array(0);
  for (let offset = 0; offset < scriptSig.length; ) {
    const range = readOp(scriptSig, offset);
    if (range === undefined) break;
    last = scriptSig.subarray(range.start, range.end);
    offset = range.end;
  }
  return last;
}

function isDataCarrier(script: Uint8Array): boolean {
  return script[0] === op.RETURN && isPushOnly(script.subarray(1));
}

function isPushOnly(script: Uint8Array): boolean {
  for (let offset = 0; offset < script.length; ) {
    const range = readOp(script, offset);
    if (range === undefined || range.opcode > op._16) return false;
    offset = range.end;
  }
  return true;
}

function nonStandard(rule: NonStandardRule, index?: number): Refusal {
  return { kind: "non-standard", rule, ...(index === undefined ? {} : { index }) };
}
