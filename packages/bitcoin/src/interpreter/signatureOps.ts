import { op } from "../script/index.ts";
import { booleanElement, numberElement, operand } from "./element.ts";
import type { Execution, OpHandler, OpTable } from "./execution.ts";
import { checkMultisig } from "./multisig.ts";
import type { ScriptError } from "./scriptError.ts";
import { checkSignature } from "./signatureCheck.ts";

/** Opcodes that check signatures, and the one that says what they commit to. */
export const signatureOps: OpTable = new Map<number, OpHandler>([
  [op.CODESEPARATOR, codeSeparator],
  [op.CHECKSIG, checkSig],
  [op.CHECKSIGVERIFY, checkSig],
  [op.CHECKSIGADD, checkSigAdd],
  [op.CHECKMULTISIG, checkMultisig],
  [op.CHECKMULTISIGVERIFY, checkMultisig],
]);

function codeSeparator(execution: Execution): undefined {
  execution.codeStart = execution.nextOffset;
  execution.codeSeparatorPosition = execution.position;
}

function checkSig(execution: Execution, opcode: number): ScriptError | undefined {
  const pubkey = execution.stack.pop();
  const signature = execution.stack.pop();
  if (pubkey === undefined || signature === undefined) return "invalid-stack-operation";
  const checked = checkSignature(execution, signature, pubkey);
  if (typeof checked === "string") return checked;
  if (opcode === op.CHECKSIGVERIFY) return checked ? undefined : "checksigverify";
  execution.stack.push(booleanElement(checked));
  return undefined;
}

/** Adds one to a number when the signature holds (BIP 342): how tapscript has multisig. */
function checkSigAdd(execution: Execution): ScriptError | undefined {
  if (execution.version.kind !== "tapscript") return "bad-opcode";
  const pubkey = execution.stack.pop();
  const count = execution.stack.pop();
  const signature = execution.stack.pop();
  if (pubkey === undefined || count === undefined || signature === undefined)
    return "invalid-stack-operation";
  const n = operand(count, execution.flags);
  if (n === undefined) return "scriptnum";
  const checked = checkSignature(execution, signature, pubkey);
  if (typeof checked === "string") return checked;
  execution.stack.push(numberElement(checked ? n + 1 : n));
  return undefined;
}
