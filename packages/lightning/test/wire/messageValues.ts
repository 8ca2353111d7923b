import { crypto } from "@fulmen/bitcoin/crypto";
import {
  bool,
  type Codec,
  encode,
  type Fields,
  isArrayCodec,
  isStructCodec,
  isTlvCodec,
  Reader,
  type TlvFields,
  tu16,
  tu32,
  tu64,
} from "@fulmen/lightning/codec";
import { concatBytes } from "@fulmen/lightning/util";
import { type LightningMessage, type MessageDeclaration, messages } from "@fulmen/lightning/wire";
import fc from "fast-check";

/**
 * Values of any codec, found by going through its declaration: a new message or field needs nothing here, and a type
 * that this does not know fails every test.
 */
export function valuesOf(codec: Codec<unknown>): fc.Arbitrary<unknown> {
  if (isStructCodec(codec)) return fieldsOf(codec.fields);
  if (isTlvCodec(codec)) return recordsOf(codec.records);
  if (isArrayCodec(codec)) return fc.array(valuesOf(codec.element), { maxLength: 5 });
  return bytesOf(codec).map((bytes) => codec.read(new Reader(bytes)));
}

/** Messages of one declaration. */
export function messagesOf({ type, fields }: MessageDeclaration): fc.Arbitrary<LightningMessage> {
  return fieldsOf(fields).map((values): LightningMessage => {
    const message: unknown = { type, ...values };
    return message as LightningMessage;
  });
}

/** Points on the curve: few, since each costs a multiplication. */
const points = [1, 2, 3, 0xabcdef].map((scalar) => {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(28, scalar);
  return crypto().publicKey(key);
});

/** Messages of every declaration. */
export const anyMessage: fc.Arbitrary<LightningMessage> = fc.oneof(...messages.map(messagesOf));

function fieldsOf(fields: Fields): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(
    Object.fromEntries(Object.entries(fields).map(([name, codec]) => [name, valuesOf(codec)])),
    { noNullPrototype: true },
  );
}

function recordsOf(fields: TlvFields): fc.Arbitrary<Record<string, unknown>> {
  const entries = Object.entries(fields);
  const required = entries.filter(([, field]) => field.required === true).map(([name]) => name);
  return fc.record(Object.fromEntries(entries.map(([name, { codec }]) => [name, valuesOf(codec)])), {
    requiredKeys: required,
    noNullPrototype: true,
  });
}

/** Encodings of one value that is neither struct, stream nor array. */
function bytesOf(codec: Codec<unknown>): fc.Arbitrary<Uint8Array> {
  if (codec === bool) return fc.constantFrom(Uint8Array.of(0), Uint8Array.of(1));
  if (codec.spec === "point") return fc.constantFrom(...points);
  if (codec.size !== undefined) return fc.uint8Array({ minLength: codec.size, maxLength: codec.size });
  switch (codec.spec) {
    case "tu16":
      return fc.nat(0xffff).map((value) => encode(tu16, value));
    case "tu32":
      return fc.nat(0x7fff_ffff).map((value) => encode(tu32, value));
    case "tu64":
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => encode(tu64, value));
    case "bigsize":
      return fc
        .constantFrom("fc", "fd00fd", "fdffff", "fe00010000", "ff0000000100000000", "ffffffffffffffffff")
        .map((hex) => Uint8Array.from(Buffer.from(hex, "hex")));
    case "...*byte":
      return fc.uint8Array({ maxLength: 60 });
    case "u16*byte":
    case "witness":
      return fc
        .uint8Array({ maxLength: 300 })
        .map((bytes) => concatBytes(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes));
    default:
      throw new Error(`no values of type "${codec.spec}"`);
  }
}
