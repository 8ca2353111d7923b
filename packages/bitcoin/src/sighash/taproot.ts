import { crypto } from "../crypto/installed.ts";
import {
  ByteWriter,
  encodeTxOut,
  type Transaction,
  type TxOut,
  writeOutPoint,
  writeTxOut,
} from "../transaction/index.ts";
import { inputAt } from "./inputAt.ts";
import { SighashCache } from "./sighashCache.ts";
import { taggedHash } from "./taggedHash.ts";
import { anyoneCanPay, isTaprootSighashType, outputsOf } from "./types.ts";

/** What a BIP 341 sighash depends on besides the transaction. */
export interface TaprootSpend {
  /** The outputs that all inputs spend, in their order; pass the same array for each input so the cache holds. */
  readonly prevouts: readonly TxOut[];
  /** `sighashDefault`, or 1..3 with or without `sighashAnyoneCanPay`; see `isTaprootSighashType`. */
  readonly type: number;
  /** With its first byte 0x50. */
  readonly annex?: Uint8Array;
  /** For script path spends: `tapLeafHash` of the script. */
  readonly leafHash?: Uint8Array;
  /** Script path: index of the instruction that was the last executed `OP_CODESEPARATOR`; none when not given. */
  readonly codeSeparatorPosition?: number;
  /** Script path: 0 for all keys that exist. */
  readonly keyVersion?: number;
}

/**
 * What a Schnorr signature signs (BIP 341, and BIP 342 where `leafHash` is given), 32 bytes. Throws `RangeError` for
 * an input that does not exist, a type without a meaning, a single type without that output, and a wrong number of
 * spent outputs: validation looks at the first and third before it calls.
 */
export function taprootSighash(
  tx: Transaction,
  inputIndex: number,
  spend: TaprootSpend,
  cache = new SighashCache(tx),
): Uint8Array {
  const input = inputAt(tx, inputIndex, cache);
  const { prevouts, type, annex, leafHash } = spend;
  const spent = prevouts[inputIndex];
  if (!isTaprootSighashType(type)) throw new RangeError(`no taproot sighash type: ${type}`);
  if (spent === undefined) throw new RangeError(`no spent output for input ${inputIndex}`);
  const outputs = outputsOf(type);
  const writer = new ByteWriter(256).u8(0).u8(type).i32(tx.version).u32(tx.locktime);
  if (!anyoneCanPay(type)) {
    const { amounts, scripts } = cache.spent(prevouts);
    writer.bytes(cache.prevouts()).bytes(amounts).bytes(scripts).bytes(cache.sequences());
  }
  if (outputs === "all") writer.bytes(cache.outputs());
  writer.u8((leafHash === undefined ? 0 : 2) + (annex === undefined ? 0 : 1));
  if (anyoneCanPay(type)) {
    writeOutPoint(writer, input.outPoint);
    writeTxOut(writer, spent);
    writer.u32(input.sequence);
  } else {
    writer.u32(inputIndex);
  }
  if (annex !== undefined) writer.bytes(annexHash(annex));
  if (outputs === "single") {
    const same = tx.outputs[inputIndex];
    if (same === undefined) throw new RangeError(`no output ${inputIndex} for a single sighash`);
    writer.bytes(crypto().sha256(encodeTxOut(same)));
  }
  if (leafHash !== undefined) {
    writer
      .bytes(leafHash)
      .u8(spend.keyVersion ?? 0)
      .u32(spend.codeSeparatorPosition ?? 0xffff_ffff);
  }
  return taggedHash("TapSighash", writer.finish());
}

function annexHash(annex: Uint8Array): Uint8Array {
  return crypto().sha256(new ByteWriter(annex.length + 9).varBytes(annex).finish());
}
