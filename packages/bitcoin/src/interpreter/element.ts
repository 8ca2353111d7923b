import { decodeScriptNumber, encodeScriptNumber, type ScriptNumberRules } from "../script/index.ts";
import { BitcoinDecodeError } from "../transaction/index.ts";
import type { ScriptFlags } from "./flags.ts";

const falseElement = new Uint8Array(0);
const trueElement = Uint8Array.of(1);

/** Whether an element counts as true: any byte set, except that a sign alone (negative zero) is false. */
export function isTrue(element: Uint8Array): boolean {
  const last = element.length - 1;
  return element.some((byte, i) => byte !== 0 && !(i === last && byte === 0x80));
}

/** The element that stands for a truth value. */
export function booleanElement(value: boolean): Uint8Array {
  return value ? trueElement : falseElement;
}

export function numberElement(value: number): Uint8Array {
  return encodeScriptNumber(value);
}

/** The number that an operand stands for, or `undefined` when it is too long or `minimaldata` refuses its form. */
export function operand(element: Uint8Array, flags: ScriptFlags, maxLength = 4): number | undefined {
  const rules: ScriptNumberRules = { maxLength, minimal: flags.has("minimaldata") };
  try {
    return Number(decodeScriptNumber(element, rules));
  } catch (error) {
    if (error instanceof BitcoinDecodeError) return undefined;
    throw error;
  }
}
