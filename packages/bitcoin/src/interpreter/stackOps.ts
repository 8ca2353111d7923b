import { op } from "../script/index.ts";
import { isTrue, numberElement, operand } from "./element.ts";
import type { Execution, OpHandler, OpTable } from "./execution.ts";

/** Takes as many elements from the stack and puts these of them back, both bottom first. */
type Shuffle = readonly [opcode: number, takes: number, gives: readonly number[]];

const shuffles: readonly Shuffle[] = [
  [op.DROP, 1, []],
  [op.DUP, 1, [0, 0]],
  [op.NIP, 2, [1]],
  [op.OVER, 2, [0, 1, 0]],
  [op.ROT, 3, [1, 2, 0]],
  [op.SWAP, 2, [1, 0]],
  [op.TUCK, 2, [1, 0, 1]],
  [op._2DROP, 2, []],
  [op._2DUP, 2, [0, 1, 0, 1]],
  [op._3DUP, 3, [0, 1, 2, 0, 1, 2]],
  [op._2OVER, 4, [0, 1, 2, 3, 0, 1]],
  [op._2ROT, 6, [2, 3, 4, 5, 0, 1]],
  [op._2SWAP, 4, [2, 3, 0, 1]],
];

/** Opcodes that move elements. */
export const stackOps: OpTable = new Map<number, OpHandler>([
  ...shuffles.map(([opcode, takes, gives]) => [opcode, shuffle(takes, gives)] as const),
  [op.TOALTSTACK, toAltStack],
  [op.FROMALTSTACK, fromAltStack],
  [op.IFDUP, ifDup],
  [op.DEPTH, depth],
  [op.PICK, pickOrRoll],
  [op.ROLL, pickOrRoll],
  [op.SIZE, size],
]);

function shuffle(takes: number, gives: readonly number[]): OpHandler {
  return ({ stack }) => {
    if (stack.length < takes) return "invalid-stack-operation";
    const taken = stack.splice(stack.length - takes);
    for (const index of gives) stack.push(...taken.slice(index, index + 1));
    return undefined;
  };
}

function toAltStack({ stack, altStack }: Execution): ReturnType<OpHandler> {
  const top = stack.pop();
  if (top === undefined) return "invalid-stack-operation";
  altStack.push(top);
  return undefined;
}

function fromAltStack({ stack, altStack }: Execution): ReturnType<OpHandler> {
  const top = altStack.pop();
  if (top === undefined) return "invalid-altstack-operation";
  stack.push(top);
  return undefined;
}

function ifDup({ stack }: Execution): ReturnType<OpHandler> {
  const top = stack.at(-1);
  if (top === undefined) return "invalid-stack-operation";
  if (isTrue(top)) stack.push(top);
  return undefined;
}

function depth({ stack }: Execution): ReturnType<OpHandler> {
  stack.push(numberElement(stack.length));
  return undefined;
}

/** The element `n` below the top, copied (`OP_PICK`) or moved (`OP_ROLL`) to the top. */
function pickOrRoll({ stack, flags }: Execution, opcode: number): ReturnType<OpHandler> {
  const top = stack.pop();
  if (top === undefined || stack.length === 0) return "invalid-stack-operation";
  const n = operand(top, flags);
  if (n === undefined) return "scriptnum";
  if (n < 0) return "invalid-stack-operation";
  const index = stack.length - 1 - n;
  const element = stack[index];
  if (element === undefined) return "invalid-stack-operation";
  if (opcode === op.ROLL) stack.splice(index, 1);
  stack.push(element);
  return undefined;
}

function size({ stack }: Execution): ReturnType<OpHandler> {
  const top = stack.at(-1);
  if (top === undefined) return "invalid-stack-operation";
  stack.push(numberElement(top.length));
  return undefined;
}
