import { equalBytes } from "../primitives/index.ts";
import { op } from "../script/index.ts";
import { booleanElement, isTrue, numberElement, operand } from "./element.ts";
import type { Execution, OpHandler, OpTable } from "./execution.ts";

const unary: readonly (readonly [number, (a: number) => number | boolean])[] = [
  [op._1ADD, (a) => a + 1],
  [op._1SUB, (a) => a - 1],
  [op.NEGATE, (a) => 0 - a],
  [op.ABS, (a) => Math.abs(a)],
  [op.NOT, (a) => a === 0],
  [op._0NOTEQUAL, (a) => a !== 0],
];

const binary: readonly (readonly [number, (a: number, b: number) => number | boolean])[] = [
  [op.ADD, (a, b) => a + b],
  [op.SUB, (a, b) => a - b],
  [op.BOOLAND, (a, b) => a !== 0 && b !== 0],
  [op.BOOLOR, (a, b) => a !== 0 || b !== 0],
  [op.NUMEQUAL, (a, b) => a === b],
  [op.NUMEQUALVERIFY, (a, b) => a === b],
  [op.NUMNOTEQUAL, (a, b) => a !== b],
  [op.LESSTHAN, (a, b) => a < b],
  [op.GREATERTHAN, (a, b) => a > b],
  [op.LESSTHANOREQUAL, (a, b) => a <= b],
  [op.GREATERTHANOREQUAL, (a, b) => a >= b],
  [op.MIN, (a, b) => Math.min(a, b)],
  [op.MAX, (a, b) => Math.max(a, b)],
];

/** Opcodes that compute with numbers or compare elements. */
export const arithmeticOps: OpTable = new Map<number, OpHandler>([
  ...unary.map(([opcode, compute]) => [opcode, ofOne(compute)] as const),
  ...binary.map(([opcode, compute]) => [opcode, ofTwo(compute)] as const),
  [op.WITHIN, within],
  [op.EQUAL, equal],
  [op.EQUALVERIFY, equal],
]);

function ofOne(compute: (a: number) => number | boolean): OpHandler {
  return ({ stack, flags }) => {
    const element = stack.pop();
    if (element === undefined) return "invalid-stack-operation";
    const a = operand(element, flags);
    if (a === undefined) return "scriptnum";
    stack.push(result(compute(a)));
    return undefined;
  };
}

function ofTwo(compute: (a: number, b: number) => number | boolean): OpHandler {
  return ({ stack, flags }, opcode) => {
    const second = stack.pop();
    const first = stack.pop();
    if (first === undefined || second === undefined) return "invalid-stack-operation";
    const a = operand(first, flags);
    const b = operand(second, flags);
    if (a === undefined || b === undefined) return "scriptnum";
    const computed = result(compute(a, b));
    if (opcode === op.NUMEQUALVERIFY) return isTrue(computed) ? undefined : "numequalverify";
    stack.push(computed);
    return undefined;
  };
}

/** Whether a number is at least a lower and below an upper bound. */
function within({ stack, flags }: Execution): ReturnType<OpHandler> {
  const upper = stack.pop();
  const lower = stack.pop();
  const element = stack.pop();
  if (element === undefined || lower === undefined || upper === undefined) return "invalid-stack-operation";
  const value = operand(element, flags);
  const least = operand(lower, flags);
  const bound = operand(upper, flags);
  if (value === undefined || least === undefined || bound === undefined) return "scriptnum";
  stack.push(booleanElement(least <= value && value < bound));
  return undefined;
}

function equal({ stack }: Execution, opcode: number): ReturnType<OpHandler> {
  const second = stack.pop();
  const first = stack.pop();
  if (first === undefined || second === undefined) return "invalid-stack-operation";
  const same = equalBytes(first, second);
  if (opcode === op.EQUALVERIFY) return same ? undefined : "equalverify";
  stack.push(booleanElement(same));
  return undefined;
}

function result(computed: number | boolean): Uint8Array {
  return typeof computed === "boolean" ? booleanElement(computed) : numberElement(computed);
}
