import { crypto } from "@fulmen/bitcoin/crypto";
import { concatBytes } from "@fulmen/bitcoin/primitives";
import { present } from "@fulmen/lightning/util";
import { hmac } from "@noble/hashes/hmac.js";
import { sha512 } from "@noble/hashes/sha2.js";
import type { HDKey } from "@scure/bip32";

/**
 * The public children of one key (BIP 32, "Public parent key -> public child key"). A wallet derives some for every
 * address that it has ever had each time it is opened, which is why the curve is left to the installed provider.
 */
export class PublicChain {
  readonly #point: Uint8Array;
  readonly #chainCode: Uint8Array;

  constructor(parent: HDKey) {
    this.#point = present(parent.publicKey, "public key of an extended key");
    this.#chainCode = present(parent.chainCode, "chain code of an extended key");
  }

  /** The compressed point of child `index`, 0..2^31-1. One in 2^127 does not exist: then it throws. */
  child(index: number): Uint8Array {
    const number = new Uint8Array(4);
    new DataView(number.buffer).setUint32(0, index);
    const mac = hmac(sha512, this.#chainCode, concatBytes(this.#point, number));
    return crypto().pointAddScalar(this.#point, mac.subarray(0, 32));
  }
}
