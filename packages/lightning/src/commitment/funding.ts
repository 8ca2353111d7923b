import { op, script } from "@fulmen/bitcoin/script";
import { compareBytes, type Point } from "../util/bytes.ts";
import type { OutPoint } from "../util/ids.ts";
import type { Sat } from "../util/units.ts";

/** A funding output and the two keys that lock it. */
export interface FundingOutput {
  readonly outPoint: OutPoint;
  readonly capacity: Sat;
  readonly localKey: Point;
  readonly remoteKey: Point;
}

/** BOLT 3, "Funding Transaction Output": both keys sign, the lesser key first. The output is P2WSH of it. */
export function fundingScript(oneKey: Point, otherKey: Point): Uint8Array {
  const inOrder = compareBytes(oneKey, otherKey) < 0;
  const [first, second] = inOrder ? [oneKey, otherKey] : [otherKey, oneKey];
  return script(op._2, first, second, op._2, op.CHECKMULTISIG);
}
