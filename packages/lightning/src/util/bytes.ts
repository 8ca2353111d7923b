import type { Brand } from "@fulmen/bitcoin/primitives";

export {
  compareBytes,
  concatBytes,
  equalBytes,
  equalSecrets,
  fromHex,
  hexInto,
  toHex,
} from "@fulmen/bitcoin/primitives";

/** Compressed secp256k1 point, 33 bytes, checked to be on the curve where it came in. */
export type Point = Brand<Uint8Array, "Point">;
/** Compact ECDSA signature, 64 bytes: r, s. */
export type Signature = Brand<Uint8Array, "Signature">;
/** 32 bytes. */
export type Bytes32 = Brand<Uint8Array, "Bytes32">;
/** An output script, as in a transaction. */
export type Script = Brand<Uint8Array, "Script">;

/** An empty byte string; never written to. */
export const noBytes: Uint8Array = new Uint8Array(0);
