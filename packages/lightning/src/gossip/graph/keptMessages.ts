import type { ChannelAnnouncement, ChannelUpdate } from "../../wire/index.ts";
import { PagedRows } from "./pagedRows.ts";

/*
 * Of a message the graph keeps what its columns do not say: signatures and keys in rows, and the few bytes that hardly
 * any message has (features of channels, fields that we do not know) in maps.
 */

const signatureLength = 64;
const keyLength = 33;

/** What a `channel_update` has beyond its terms. */
export type UpdateRemainder = Pick<ChannelUpdate, "signature" | "unknownFields">;

/** By edge. */
export class UpdateRemainders {
  readonly #signatures = new PagedRows(signatureLength);
  readonly #unknownFields = new Map<number, Uint8Array>();

  keep(edge: number, { signature, unknownFields }: UpdateRemainder): void {
    this.row(edge).set(signature);
    this.keepUnknownFields(edge, unknownFields);
  }

  /** The signature's own bytes. */
  row(edge: number): Uint8Array {
    return this.#signatures.row(edge);
  }

  unknownFields(edge: number): Uint8Array | undefined {
    return this.#unknownFields.get(edge);
  }

  keepUnknownFields(edge: number, fields: Uint8Array): void {
    keepUnlessEmpty(this.#unknownFields, edge, fields);
  }

  drop(edge: number): void {
    this.#unknownFields.delete(edge);
  }
}

/** What a `channel_announcement` has beyond ids and features. */
export type AnnouncementRemainder = Pick<
  ChannelAnnouncement,
  | "nodeSignature1"
  | "nodeSignature2"
  | "bitcoinSignature1"
  | "bitcoinSignature2"
  | "bitcoinKey1"
  | "bitcoinKey2"
  | "unknownFields"
>;

/** By slot. */
export class AnnouncementRemainders {
  readonly #rows = new PagedRows(4 * signatureLength + 2 * keyLength);
  readonly #unknownFields = new Map<number, Uint8Array>();

  keep(slot: number, message: AnnouncementRemainder): void {
    const row = this.row(slot);
    row.set(message.nodeSignature1, 0);
    row.set(message.nodeSignature2, signatureLength);
    row.set(message.bitcoinSignature1, 2 * signatureLength);
    row.set(message.bitcoinSignature2, 3 * signatureLength);
    row.set(message.bitcoinKey1, 4 * signatureLength);
    row.set(message.bitcoinKey2, 4 * signatureLength + keyLength);
    this.keepUnknownFields(slot, message.unknownFields);
  }

  /** The own bytes of the two keys of the funding output, as they were announced. */
  bitcoinKeys(slot: number): readonly [Uint8Array, Uint8Array] {
    const row = this.row(slot);
    const start = 4 * signatureLength;
    return [row.subarray(start, start + keyLength), row.subarray(start + keyLength)];
  }

  /** The own bytes of four signatures and two keys. */
  row(slot: number): Uint8Array {
    return this.#rows.row(slot);
  }

  unknownFields(slot: number): Uint8Array | undefined {
    return this.#unknownFields.get(slot);
  }

  keepUnknownFields(slot: number, fields: Uint8Array): void {
    keepUnlessEmpty(this.#unknownFields, slot, fields);
  }

  drop(slot: number): void {
    this.#unknownFields.delete(slot);
  }
}

/** Keeps `bytes`, or nothing when there are none. */
export function keepUnlessEmpty(map: Map<number, Uint8Array>, place: number, bytes: Uint8Array): void {
  if (bytes.length === 0) map.delete(place);
  else map.set(place, bytes.slice());
}
