import type { Codec, TypeOf } from "./codec.ts";
import { errorWithin } from "./decodeError.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** Codecs by field name, in the order of the bytes. */
export type Fields = Readonly<Record<string, Codec<unknown>>>;

/** The object that `Fields` describe. */
export type FieldValues<F extends Fields> = { readonly [K in keyof F]: TypeOf<F[K]> };

/** A codec of an object, with the codecs of its fields. */
export interface StructCodec<F extends Fields> extends Codec<FieldValues<F>> {
  readonly fields: F;
}

/** The fields one after another, as an object of the same names. Errors name the field. */
export function struct<F extends Fields>(spec: string, fields: F): StructCodec<F> {
  const entries = fieldEntries(fields);
  return {
    spec,
    fields,
    read: (reader) => readFields(entries, reader, {}) as FieldValues<F>,
    write(writer, value) {
      writeFields(entries, writer, value);
    },
  };
}

/** For those who go through declarations: whether `codec` has fields. */
export function isStructCodec(codec: Codec<unknown>): codec is StructCodec<Fields> {
  return "fields" in codec;
}

/** One field of a declaration. */
export interface FieldEntry {
  readonly name: string;
  readonly codec: Codec<unknown>;
}

/** The fields as a list, in the order of the bytes. */
export function fieldEntries(fields: Fields): readonly FieldEntry[] {
  return Object.entries(fields).map(([name, codec]) => ({ name, codec }));
}

/** Reads all fields into `target` and returns it. */
export function readFields(entries: readonly FieldEntry[], reader: Reader, target: Values): unknown {
  let current = "";
  try {
    for (const { name, codec } of entries) {
      current = name;
      target[name] = codec.read(reader);
    }
  } catch (error) {
    throw errorWithin(error, current);
  }
  return target;
}

/** Writes the values that `source` has for the fields. */
export function writeFields(entries: readonly FieldEntry[], writer: Writer, source: Readonly<Values>): void {
  for (const { name, codec } of entries) codec.write(writer, source[name]);
}

type Values = Record<string, unknown>;
