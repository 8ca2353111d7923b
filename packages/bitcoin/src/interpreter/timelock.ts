import { operand } from "./element.ts";
import type { Execution } from "./execution.ts";
import { locktimeThreshold, sequenceDisableFlag, sequenceMask, sequenceTypeFlag } from "./limits.ts";
import type { ScriptError } from "./scriptError.ts";

/** Lock times have five bytes, so that the whole unsigned range of 32 bits is positive. */
const lockLength = 5;

/** `OP_CHECKLOCKTIMEVERIFY` (BIP 65): the transaction is locked until at least the height or time on the stack. */
export function checkLocktime({ stack, flags, spent }: Execution): ScriptError | undefined {
  if (!flags.has("checklocktimeverify")) return undefined;
  const top = stack.at(-1);
  if (top === undefined) return "invalid-stack-operation";
  const lock = operand(top, flags, lockLength);
  if (lock === undefined) return "scriptnum";
  if (lock < 0) return "negative-locktime";
  const { locktime } = spent.transaction;
  const sameUnit = lock < locktimeThreshold === locktime < locktimeThreshold;
  // A final sequence would switch the transaction's lock time off.
  const final = sequenceOf(spent) === 0xffff_ffff;
  return sameUnit && lock <= locktime && !final ? undefined : "unsatisfied-locktime";
}

/** `OP_CHECKSEQUENCEVERIFY` (BIP 112): the input's relative lock is at least the one on the stack. */
export function checkSequence({ stack, flags, spent }: Execution): ScriptError | undefined {
  if (!flags.has("checksequenceverify")) return undefined;
  const top = stack.at(-1);
  if (top === undefined) return "invalid-stack-operation";
  const lock = operand(top, flags, lockLength);
  if (lock === undefined) return "scriptnum";
  if (lock < 0) return "negative-locktime";
  if (hasBit(lock, sequenceDisableFlag)) return undefined;
  const sequence = sequenceOf(spent);
  // Relative locks bind from version 2 on, compared unsigned.
  const locked = spent.transaction.version >>> 0 >= 2 && !hasBit(sequence, sequenceDisableFlag);
  const sameUnit = hasBit(lock, sequenceTypeFlag) === hasBit(sequence, sequenceTypeFlag);
  const longEnough = (lock & sequenceMask) <= (sequence & sequenceMask);
  return locked && sameUnit && longEnough ? undefined : "unsatisfied-locktime";
}

function sequenceOf({ transaction, inputIndex }: Execution["spent"]): number {
  return transaction.inputs[inputIndex]?.sequence ?? 0xffff_ffff;
}

/** Works on up to 53 bits where `&` would look at the low 32: a lock of five bytes has its flag bits there too. */
function hasBit(value: number, bit: number): boolean {
  return Math.floor(value / bit) % 2 === 1;
}
