import { op } from "../script/index.ts";
import { isTrue, numberElement } from "./element.ts";
import type { Execution, OpHandler, OpTable } from "./execution.ts";
import type { ScriptError } from "./scriptError.ts";
import { checkLocktime, checkSequence } from "./timelock.ts";

const constants: readonly number[] = [op._1NEGATE, ...Array.from({ length: 16 }, (_, i) => op._1 + i)];
const upgradableNops: readonly number[] = [
  op.NOP1,
  op.NOP4,
  op.NOP5,
  op.NOP6,
  op.NOP7,
  op.NOP8,
  op.NOP9,
  op.NOP10,
];

/** Opcodes that steer what runs, and those that push a constant. */
export const controlOps: OpTable = new Map<number, OpHandler>([
  ...constants.map((opcode) => [opcode, pushConstant] as const),
  ...upgradableNops.map((opcode) => [opcode, upgradableNop] as const),
  [op.NOP, () => undefined],
  [op.IF, openBranch],
  [op.NOTIF, openBranch],
  [op.ELSE, otherBranch],
  [op.ENDIF, closeBranch],
  [op.VERIFY, verify],
  [op.RETURN, () => "op-return"],
  [op.CHECKLOCKTIMEVERIFY, checkLocktime],
  [op.CHECKSEQUENCEVERIFY, checkSequence],
]);

function pushConstant({ stack }: Execution, opcode: number): undefined {
  stack.push(numberElement(opcode - op.RESERVED));
}

function upgradableNop({ flags }: Execution): ScriptError | undefined {
  return flags.has("discourage-upgradable-nops") ? "discourage-upgradable-nops" : undefined;
}

/** Inside a branch that does not run, the nested one does not run either and takes no argument. */
function openBranch({ stack, branches, flags, version }: Execution, opcode: number): ScriptError | undefined {
  if (!branches.running) {
    branches.enter(false);
    return undefined;
  }
  const condition = stack.pop();
  if (condition === undefined) return "unbalanced-conditional";
  const minimal = condition.length === 0 || (condition.length === 1 && condition[0] === 1);
  if (!minimal && version.kind === "tapscript") return "tapscript-minimalif";
  if (!minimal && version.kind === "witness-v0" && flags.has("minimalif")) return "minimalif";
  branches.enter(isTrue(condition) === (opcode === op.IF));
  return undefined;
}

function otherBranch({ branches }: Execution): ScriptError | undefined {
  const taken = branches.leave();
  if (taken === undefined) return "unbalanced-conditional";
  branches.enter(!taken);
  return undefined;
}

function closeBranch({ branches }: Execution): ScriptError | undefined {
  return branches.leave() === undefined ? "unbalanced-conditional" : undefined;
}

function verify({ stack }: Execution): ScriptError | undefined {
  const top = stack.pop();
  if (top === undefined) return "invalid-stack-operation";
  return isTrue(top) ? undefined : "verify";
}
