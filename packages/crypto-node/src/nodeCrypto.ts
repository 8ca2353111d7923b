import { hash } from "node:crypto";
import type { AcceleratedCrypto } from "@fulmen/bitcoin/crypto";

/*
 * What node:crypto computes faster than JavaScript does. Setting up an OpenSSL context costs more than ten
 * microseconds, so: `createHmac` loses against two calls of the context-free `hash`, and ciphers would pay off for
 * frames of more than 1,500 bytes only, which are rare, while the first of them takes some milliseconds of every start.
 * SHA-1 stays with noble: it is rare, too. RIPEMD-160 is not, since each HTLC's output takes one, but an OpenSSL may
 * lack it.
 */
type NodeMethods = Pick<AcceleratedCrypto, "sha256" | "hash256" | "ripemd160" | "hmacSha256" | "hmacSha512">;

/** The methods, with memory of their own. */
export function nodeMethods(): NodeMethods {
  return {
    sha256,
    hash256: (data) => sha256(sha256(data)),
    ...(hasRipemd160() && { ripemd160 }),
    hmacSha256: hmac(sha256, { blockLength: 64, digestLength: 32 }),
    hmacSha512: hmac(sha512, { blockLength: 128, digestLength: 64 }),
  };
}

/** SHA-256 by OpenSSL. */
export function sha256(data: Uint8Array): Uint8Array {
  return bytesOf(hash("sha256", data, "binary"));
}

function sha512(data: Uint8Array): Uint8Array {
  return bytesOf(hash("sha512", data, "binary"));
}

function ripemd160(data: Uint8Array): Uint8Array {
  return bytesOf(hash("ripemd160", data, "binary"));
}

function hasRipemd160(): boolean {
  try {
    return ripemd160(new Uint8Array(0)).length === 20;
  } catch {
    return false;
  }
}

/** Node hands over a digest's characters in half the time that it takes to make a `Buffer`. */
function bytesOf(characters: string): Uint8Array {
  const digest = new Uint8Array(characters.length);
  for (let i = 0; i < digest.length; i++) digest[i] = characters.charCodeAt(i);
  return digest;
}

/** Longer data gets memory of its own. */
const longestInPlace = 2048;

/**
 * RFC 2104, on a context-free hash. Both hashes' inputs are put together in memory that is kept for it: half of the
 * time that a short HMAC takes would go into allocating it.
 */
function hmac(
  digest: (data: Uint8Array) => Uint8Array,
  { blockLength, digestLength }: { readonly blockLength: number; readonly digestLength: number },
): (key: Uint8Array, data: Uint8Array) => Uint8Array {
  const inner = new Uint8Array(blockLength + longestInPlace);
  const outer = new Uint8Array(blockLength + digestLength);
  return (key, data) => {
    const block = key.length > blockLength ? digest(key) : key;
    const innerLength = blockLength + data.length;
    const first = data.length > longestInPlace ? new Uint8Array(innerLength) : inner.subarray(0, innerLength);
    for (let i = 0; i < blockLength; i++) {
      const byte = block[i] ?? 0;
      first[i] = byte ^ 0x36;
      outer[i] = byte ^ 0x5c;
    }
    first.set(data, blockLength);
    outer.set(digest(first), blockLength);
    const result = digest(outer);
    inner.fill(0, 0, blockLength);
    outer.fill(0, 0, blockLength);
    return result;
  };
}
