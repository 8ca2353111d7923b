import { type Codec, type Fields, Reader, type TypeOf, Writer } from "../codec/index.ts";
import { InvariantError } from "../util/invariant.ts";
import * as close from "./close.ts";
import * as commitment from "./commitment.ts";
import * as gossip from "./gossip.ts";
import * as interactiveTx from "./interactiveTx.ts";
import type { MessageHead } from "./message.ts";
import * as onionMessage from "./onionMessage.ts";
import * as open from "./open.ts";
import * as setup from "./setup.ts";
import * as splice from "./splice.ts";

const declared = {
  ...setup,
  ...open,
  ...interactiveTx,
  ...splice,
  ...close,
  ...commitment,
  ...onionMessage,
  ...gossip,
} as const;

/** Every message that the BOLTs define and this kit reads. */
export type LightningMessage = TypeOf<(typeof declared)[keyof typeof declared]>;

/** The names of all known messages. */
export type MessageType = LightningMessage["type"];

/** A message of a type that the BOLTs do not define: kept as it came, for custom message handlers. */
export interface UnknownMessage {
  readonly type: "unknown";
  /** 0..65535; when even, and no handler knows it, the connection must be closed (BOLT 1). */
  readonly typeNumber: number;
  /** All bytes behind the type. */
  readonly payload: Uint8Array;
}

/** What `decodeMessage` can give. */
export type DecodedMessage = LightningMessage | UnknownMessage;

/** A declaration without its types, as data: what documentation, comparison and tests go through. */
export interface MessageDeclaration extends MessageHead<MessageType>, Codec<unknown> {
  readonly fields: Fields;
}

/** All declarations, by ascending number. */
export const messages: readonly MessageDeclaration[] = Object.values(declared).toSorted(
  (a, b) => a.number - b.number,
);

const byNumber: ReadonlyMap<number, MessageDeclaration> = new Map(messages.map((m) => [m.number, m]));
const byType: ReadonlyMap<string, MessageDeclaration> = new Map(messages.map((m) => [m.type, m]));

/** Largest message that the transport can carry, its type included (BOLT 1, "Lightning Message Format"). */
export const maxMessageBytes = 65535;

/**
 * The message in `bytes`, which start with its type. Throws `DecodeError`, and nothing else, on a message that is
 * truncated, has values out of range, or an extension that is no valid TLV stream or has unknown even records.
 *
 * @ldk lightning::ln::wire::read
 */
export function decodeMessage(bytes: Uint8Array): DecodedMessage {
  const reader = new Reader(bytes);
  const typeNumber = reader.u16();
  const declaration = byNumber.get(typeNumber);
  if (declaration === undefined) return { type: "unknown", typeNumber, payload: reader.rest() };
  return declaration.read(reader) as LightningMessage;
}

/**
 * The bytes of a message, its type first. Throws `InvariantError` when a value does not fit its field, or the whole
 * not the transport.
 *
 * @ldk lightning::ln::wire::write
 */
export function encodeMessage(message: DecodedMessage): Uint8Array {
  const writer = new Writer(256);
  writeMessage(writer, message);
  return writer.finish();
}

/** The same to an empty `writer`, for those who keep one. After an error, it has a part of the message. */
export function writeMessage(writer: Writer, message: DecodedMessage): void {
  if (message.type === "unknown") {
    writer.u16(message.typeNumber).bytes(message.payload);
  } else {
    const declaration = byType.get(message.type);
    if (declaration === undefined) throw new InvariantError(`no such message: ${message.type}`);
    writer.u16(declaration.number);
    declaration.write(writer, message);
  }
  if (writer.length > maxMessageBytes) throw new InvariantError(`${message.type} of ${writer.length} bytes`);
}

/** The number of a message's type on the wire. */
export function typeNumberOf(message: DecodedMessage): number {
  if (message.type === "unknown") return message.typeNumber;
  const declaration = byType.get(message.type);
  if (declaration === undefined) throw new InvariantError(`no such message: ${message.type}`);
  return declaration.number;
}
