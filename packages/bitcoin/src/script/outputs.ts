import { crypto } from "../crypto/installed.ts";
import { op } from "./opcodes.ts";
import { script } from "./script.ts";

/** RIPEMD-160 of SHA-256. */
export function hash160(bytes: Uint8Array): Uint8Array {
  return crypto().ripemd160(crypto().sha256(bytes));
}

/** Pays to the key whose compressed point hashes to `pubkeyHash` (20 bytes), by witness. */
export function p2wpkh(pubkeyHash: Uint8Array): Uint8Array {
  return script(op._0, sized(pubkeyHash, 20));
}

/** `p2wpkh` of a compressed point. */
export function p2wpkhOf(pubkey: Uint8Array): Uint8Array {
  return p2wpkh(hash160(sized(pubkey, 33)));
}

/** Pays to `witnessScript`, which the spender shows. */
export function p2wsh(witnessScript: Uint8Array): Uint8Array {
  return script(op._0, crypto().sha256(witnessScript));
}

/** Pays to a taproot output key (BIP 341), x-only: already tweaked. */
export function p2tr(xOnlyOutputKey: Uint8Array): Uint8Array {
  return script(op._1, sized(xOnlyOutputKey, 32));
}

/** Pays to the key that hashes to `pubkeyHash` (20 bytes). */
export function p2pkh(pubkeyHash: Uint8Array): Uint8Array {
  return script(op.DUP, op.HASH160, sized(pubkeyHash, 20), op.EQUALVERIFY, op.CHECKSIG);
}

/** Pays to a redeem script by its hash160 (20 bytes). */
export function p2sh(scriptHash: Uint8Array): Uint8Array {
  return script(op.HASH160, sized(scriptHash, 20), op.EQUAL);
}

/** Pay to anchor: anyone may spend it, with an empty witness. */
export function p2a(): Uint8Array {
  return script(op._1, Uint8Array.of(0x4e, 0x73));
}

function sized(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new RangeError(`expected ${length} bytes, got ${bytes.length}`);
  return bytes;
}
