import { isMinimalPush, op, readOp } from "../script/index.ts";
import { arithmeticOps } from "./arithmeticOps.ts";
import { Branches } from "./branches.ts";
import { controlOps } from "./controlOps.ts";
import type { Execution, OpTable, ScriptVersion, SpentInput } from "./execution.ts";
import type { ScriptFlags } from "./flags.ts";
import { hashOps } from "./hashOps.ts";
import { maxElementSize, maxOpsPerScript, maxScriptSize, maxStackSize } from "./limits.ts";
import type { ScriptError } from "./scriptError.ts";
import { signatureOps } from "./signatureOps.ts";
import { stackOps } from "./stackOps.ts";

const handlers: OpTable = new Map([
  ...controlOps,
  ...stackOps,
  ...arithmeticOps,
  ...hashOps,
  ...signatureOps,
]);

/** Switched off in 2010 (CVE-2010-5137): they fail a script even where they do not run. */
const disabledOpcodes: ReadonlySet<number> = new Set([
  op.CAT,
  op.SUBSTR,
  op.LEFT,
  op.RIGHT,
  op.INVERT,
  op.AND,
  op.OR,
  op.XOR,
  op._2MUL,
  op._2DIV,
  op.MUL,
  op.DIV,
  op.MOD,
  op.LSHIFT,
  op.RSHIFT,
]);

/** What a script runs in. */
export interface Surroundings {
  readonly spent: SpentInput;
  readonly flags: ScriptFlags;
  readonly version: ScriptVersion;
}

/** Runs `script` on `stack`, which it changes; answers why it failed. What is on the stack then is not looked at. */
export function evaluate(
  script: Uint8Array,
  stack: Uint8Array[],
  { spent, flags, version }: Surroundings,
): ScriptError | undefined {
  if (version.kind !== "tapscript" && script.length > maxScriptSize) return "script-size";
  const execution: Execution = {
    spent,
    flags,
    version,
    script,
    stack,
    altStack: [],
    branches: new Branches(),
    opCount: 0,
    codeStart: 0,
    codeSeparatorPosition: 0xffff_ffff,
    nextOffset: 0,
    position: 0,
  };
  for (; execution.nextOffset < script.length; execution.position++) {
    const error = step(execution);
    if (error !== undefined) return error;
    if (stack.length + execution.altStack.length > maxStackSize) return "stack-size";
  }
  return execution.branches.open > 0 ? "unbalanced-conditional" : undefined;
}

/** Runs the next instruction, or passes over it in a branch that does not run. */
function step(execution: Execution): ScriptError | undefined {
  const { script, stack, flags, version, branches } = execution;
  const range = readOp(script, execution.nextOffset);
  if (range === undefined) return "bad-opcode";
  const { opcode, start, end } = range;
  execution.nextOffset = end;
  if (end - start > maxElementSize) return "push-size";
  if (version.kind !== "tapscript" && opcode > op._16 && ++execution.opCount > maxOpsPerScript) {
    return "op-count";
  }
  if (disabledOpcodes.has(opcode)) return "disabled-opcode";
  if (opcode === op.CODESEPARATOR && version.kind === "base" && flags.has("const-scriptcode")) {
    return "op-codeseparator";
  }
  const steersBranches = opcode >= op.IF && opcode <= op.ENDIF;
  if (!branches.running && !steersBranches) return undefined;
  if (opcode > op.PUSHDATA4) {
    const handler = handlers.get(opcode);
    return handler === undefined ? "bad-opcode" : handler(execution, opcode);
  }
  const data = script.subarray(start, end);
  if (flags.has("minimaldata") && !isMinimalPush(opcode, data)) return "minimaldata";
  stack.push(data);
  return undefined;
}
