import { op } from "../script/index.ts";
import { booleanElement, operand } from "./element.ts";
import type { Execution } from "./execution.ts";
import { maxOpsPerScript, maxPubkeysPerMultisig } from "./limits.ts";
import type { ScriptError } from "./scriptError.ts";
import { checkEcdsa, signedScript } from "./signatureCheck.ts";

/**
 * `OP_CHECKMULTISIG`: m signatures by m of n keys, in the keys' order, and one element more than it needs, which stays
 * a part of the protocol.
 */
export function checkMultisig(execution: Execution, opcode: number): ScriptError | undefined {
  const { stack, flags } = execution;
  if (execution.version.kind === "tapscript") return "tapscript-checkmultisig";
  const pubkeys = takePubkeys(execution);
  if (typeof pubkeys === "string") return pubkeys;
  const signatures = takeSignatures(execution, pubkeys.length);
  if (typeof signatures === "string") return signatures;
  const checked = matchSignatures(execution, signatures, pubkeys);
  if (typeof checked === "string") return checked;
  if (!checked && flags.has("nullfail") && signatures.some(({ length }) => length > 0)) return "sig-nullfail";
  const dummy = stack.pop();
  if (dummy === undefined) return "invalid-stack-operation";
  if (flags.has("nulldummy") && dummy.length > 0) return "sig-nulldummy";
  if (opcode === op.CHECKMULTISIGVERIFY) return checked ? undefined : "checkmultisigverify";
  stack.push(booleanElement(checked));
  return undefined;
}

/** Takes the number of keys and the keys, the topmost first; each counts as an opcode. */
function takePubkeys(execution: Execution): readonly Uint8Array[] | ScriptError {
  const count = takeCount(execution);
  if (typeof count === "string") return count;
  if (count < 0 || count > maxPubkeysPerMultisig) return "pubkey-count";
  execution.opCount += count;
  if (execution.opCount > maxOpsPerScript) return "op-count";
  return take(execution.stack, count);
}

function takeSignatures(execution: Execution, most: number): readonly Uint8Array[] | ScriptError {
  const count = takeCount(execution);
  if (typeof count === "string") return count;
  if (count < 0 || count > most) return "sig-count";
  return take(execution.stack, count);
}

function takeCount({ stack, flags }: Execution): number | ScriptError {
  const element = stack.pop();
  if (element === undefined) return "invalid-stack-operation";
  return operand(element, flags) ?? "scriptnum";
}

function take(stack: Uint8Array[], count: number): readonly Uint8Array[] | ScriptError {
  if (stack.length < count) return "invalid-stack-operation";
  return stack.splice(stack.length - count).reverse();
}

/**
 * Tries keys from the top for each signature from the top and stops once fewer keys than signatures are left: how many
 * encodings are looked at is a part of consensus.
 */
function matchSignatures(
  execution: Execution,
  signatures: readonly Uint8Array[],
  pubkeys: readonly Uint8Array[],
): boolean | ScriptError {
  const scriptCode = signedScript(execution, signatures);
  if (typeof scriptCode === "string") return scriptCode;
  let matched = 0;
  for (const [tried, pubkey] of pubkeys.entries()) {
    const signature = signatures[matched];
    if (signature === undefined) break;
    if (signatures.length - matched > pubkeys.length - tried) return false;
    const checked = checkEcdsa(execution, scriptCode, { signature, pubkey });
    if (typeof checked === "string") return checked;
    if (checked) matched++;
  }
  return matched === signatures.length;
}
