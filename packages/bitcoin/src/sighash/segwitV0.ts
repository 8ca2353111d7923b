import { crypto } from "../crypto/installed.ts";
import type { Sat } from "../primitives/index.ts";
import {
  ByteWriter,
  compactSizeLength,
  encodeTxOut,
  type Transaction,
  writeOutPoint,
} from "../transaction/index.ts";
import { inputAt } from "./inputAt.ts";
import { SighashCache } from "./sighashCache.ts";
import { anyoneCanPay, outputsOf } from "./types.ts";

/** What a BIP 143 sighash depends on besides the transaction. */
export interface SegwitV0Spend {
  /** The witness script behind the last executed `OP_CODESEPARATOR`; for P2WPKH `p2pkh` of the key's hash. */
  readonly scriptCode: Uint8Array;
  /** Value of the output that is spent. */
  readonly value: Sat;
  /** 0..255, as in the signature; all values are defined. */
  readonly type: number;
}

const zeros = new Uint8Array(32);
/** Of what is signed, all but the script code. */
const fixedLength = 4 + 32 + 32 + 36 + 8 + 4 + 32 + 4 + 4;

/**
 * What a signature in a version 0 witness signs (BIP 143), 32 bytes. Give a `cache` of the same transaction when it
 * has several inputs. Throws `RangeError` for an input that does not exist.
 */
export function segwitV0Sighash(
  tx: Transaction,
  inputIndex: number,
  spend: SegwitV0Spend,
  cache = new SighashCache(tx),
): Uint8Array {
  const input = inputAt(tx, inputIndex, cache);
  const { scriptCode, value, type } = spend;
  const outputs = outputsOf(type);
  const one = anyoneCanPay(type);
  const writer = new ByteWriter(fixedLength + compactSizeLength(scriptCode.length) + scriptCode.length);
  writer
    .i32(tx.version)
    .bytes(one ? zeros : cache.prevoutsTwice())
    .bytes(one || outputs !== "all" ? zeros : cache.sequencesTwice());
  writeOutPoint(writer, input.outPoint);
  writer.varBytes(scriptCode).u64(value).u32(input.sequence);
  writer
    .bytes(outputsHash(inputIndex, outputs, cache))
    .u32(tx.locktime)
    .u32(type);
  return crypto().hash256(writer.finish());
}

function outputsHash(index: number, outputs: "all" | "none" | "single", cache: SighashCache): Uint8Array {
  if (outputs === "all") return cache.outputsTwice();
  const same = outputs === "single" ? cache.tx.outputs[index] : undefined;
  return same === undefined ? zeros : crypto().hash256(encodeTxOut(same));
}
