/** Length of `hop_payloads` in a payment's onion: BOLT 4, "Packet Structure". */
export const paymentPayloadsLength = 1300;
/** Length of the payloads of a large onion message: `len` 32834 less what surrounds them (BOLT 4, "Onion Messages"). */
export const largeMessagePayloadsLength = 32768;
/** Bytes of a packet around its payloads: version, public key, HMAC. */
export const packetOverhead = 1 + 33 + 32;
/** Length of a payment's onion: 1366. */
export const paymentPacketLength = paymentPayloadsLength + packetOverhead;

/** The four sections of a packet: BOLT 4, "Packet Structure". */
export interface OnionPacketParts {
  readonly version: number;
  /** 33 bytes; not checked to be a point. */
  readonly publicKey: Uint8Array;
  readonly payloads: Uint8Array;
  /** 32 bytes. */
  readonly hmac: Uint8Array;
}

/** The sections of `packet`, as views of it; `undefined` when it is too short to have them. */
export function onionPacketParts(packet: Uint8Array): OnionPacketParts | undefined {
  if (packet.length < packetOverhead) return undefined;
  return {
    version: packet[0] ?? 0,
    publicKey: packet.subarray(1, 34),
    payloads: packet.subarray(34, packet.length - 32),
    hmac: packet.subarray(packet.length - 32),
  };
}

/** The sections as one packet. */
export function joinOnionPacket(parts: OnionPacketParts): Uint8Array {
  const packet = new Uint8Array(parts.payloads.length + packetOverhead);
  packet[0] = parts.version;
  packet.set(parts.publicKey, 1);
  packet.set(parts.payloads, 34);
  packet.set(parts.hmac, 34 + parts.payloads.length);
  return packet;
}
