// All gossip is signed over the double SHA-256 of what follows its signatures, what we do not understand included.
const typeLength = 2;
const signatureLength = 64;

/** The signed part of an encoded `channel_announcement`, its type first. */
export function signedPartOfChannel(encoded: Uint8Array): Uint8Array {
  return encoded.subarray(typeLength + 4 * signatureLength);
}

/** The signed part of an encoded `channel_update` or `node_announcement`, its type first. */
export function signedPart(encoded: Uint8Array): Uint8Array {
  return encoded.subarray(typeLength + signatureLength);
}
