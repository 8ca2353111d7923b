import type { Sat } from "../primitives/index.ts";
import { compactSizeLength } from "../transaction/byteWriter.ts";
import { witnessProgram } from "./classify.ts";
import { isUnspendable } from "./script.ts";

/** Outpoint, script length, sequence and 107 bytes of signature and key: what spending by a legacy script takes. */
const legacyInputVsize = 32 + 4 + 1 + 107 + 4;
/** The same by witness, where the 107 bytes weigh a quarter. */
const witnessInputVsize = 32 + 4 + 1 + Math.floor(107 / 4) + 4;
/** Bitcoin Core's `-dustrelayfee`, 3,000 sat/kvB. */
const dustSatPerVbyte = 3;

/**
 * The least value at which nodes relay an output with this script: what it costs to make and spend it at 3 sat/vB
 * (BOLT 3, "Dust Limits": 546 for P2PKH, 540 for P2SH, 294 for P2WPKH, 330 for P2WSH and P2TR, 240 for pay-to-anchor,
 * at most 354 for an unknown witness version). Zero for `OP_RETURN`.
 */
export function dustLimit(script: Uint8Array): Sat {
  if (isUnspendable(script)) return 0n as Sat;
  const outputSize = 8 + compactSizeLength(script.length) + script.length;
  const inputSize = witnessProgram(script) === undefined ? legacyInputVsize : witnessInputVsize;
  return BigInt((outputSize + inputSize) * dustSatPerVbyte) as Sat;
}
