import { InvariantError } from "../util/invariant.ts";
import type { Codec, TypeOf } from "./codec.ts";
import { DecodeError, errorWithin } from "./decodeError.ts";
import type { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** One kind of record in a TLV stream. */
export interface TlvField {
  readonly type: number;
  readonly codec: Codec<unknown>;
  /** The stream is refused without it, and its key is not optional. */
  readonly required?: true;
}

/** The records of a stream by the name that the decoded object has for them. */
export type TlvFields = Readonly<Record<string, TlvField>>;

/** The object that `TlvFields` describe: absent records are absent keys. */
export type TlvValues<F extends TlvFields> = {
  readonly [K in keyof F as F[K] extends { readonly required: true } ? K : never]: TypeOf<F[K]["codec"]>;
} & {
  readonly [K in keyof F as F[K] extends { readonly required: true } ? never : K]?: TypeOf<F[K]["codec"]>;
};

/** A record as it stood in the stream. */
export interface TlvRecord {
  readonly type: bigint;
  readonly value: Uint8Array;
}

/** The records that the declaration does not name, in the order of their types; absent when there were none. */
export interface UnknownRecords {
  readonly unknown?: readonly TlvRecord[];
}

/** A codec of a TLV stream, with its declaration. */
export interface TlvCodec<F extends TlvFields, T = TlvValues<F>> extends Codec<T> {
  readonly records: F;
}

/**
 * What becomes of records that the declaration does not name:
 * - `keep-odd`: odd ones are kept under `unknown`, even ones are refused;
 * - `keep-custom`: as before, and even types of the custom range (from 2^16) are kept too, for whoever decides on
 *   them.
 */
export type UnknownTlvs = "keep-odd" | "keep-custom";

/**
 * A TLV stream that takes up all that remains (BOLT 1, "Type-Length-Value Format"): types strictly increase, types
 * and lengths are in their shortest form, a value takes up exactly its length, unknown even types are refused and
 * unknown odd ones dropped. Keys of `fields` are the names in the decoded object.
 */
export function tlvs<F extends TlvFields>(spec: string, fields: F): TlvCodec<F> {
  const { read, write } = streamOf(fields, undefined);
  return { spec, records: fields, read: (reader) => read(reader) as TlvValues<F>, write };
}

/** A TLV stream whose unknown records stay in the value, and are written again. */
export function extensibleTlvs<F extends TlvFields>(
  spec: string,
  fields: F,
  unknown: UnknownTlvs,
): TlvCodec<F, TlvValues<F> & UnknownRecords> {
  const { read, write } = streamOf(fields, unknown);
  return { spec, records: fields, read: (reader) => read(reader) as TlvValues<F> & UnknownRecords, write };
}

/** For those who go through declarations: whether `codec` is of a TLV stream. */
export function isTlvCodec(codec: Codec<unknown>): codec is TlvCodec<TlvFields> {
  return "records" in codec;
}

/** The stream cut into records, none of them interpreted; order and shortest forms are checked. */
export function readTlvRecords(reader: Reader): readonly TlvRecord[] {
  const records: TlvRecord[] = [];
  eachRecord(reader, (type, value) => {
    records.push({ type, value: value.rest() });
  });
  return records;
}

/** Writes records that are in order of their types already; throws `InvariantError` otherwise. */
export function writeTlvRecords(writer: Writer, records: readonly TlvRecord[]): void {
  let previous = -1n;
  for (const { type, value } of records) {
    if (type <= previous) throw new InvariantError(`TLV type ${type} after ${previous}`);
    previous = type;
    writer.bigSize(type).bigSize(value.length).bytes(value);
  }
}

interface Entry {
  readonly name: string;
  readonly type: bigint;
  readonly codec: Codec<unknown>;
  readonly required: boolean;
}

function streamOf(fields: TlvFields, unknown: UnknownTlvs | undefined) {
  const entries: readonly Entry[] = Object.entries(fields)
    .map(([name, { type, codec, required }]) => ({
      name,
      type: BigInt(type),
      codec,
      required: required === true,
    }))
    .sort((a, b) => (a.type < b.type ? -1 : 1));
  const byType = new Map(entries.map((entry) => [entry.type, entry]));
  if (byType.size !== entries.length) throw new InvariantError("a TLV type is declared twice");
  const required = entries.filter((entry) => entry.required);

  return {
    read(reader: Reader): unknown {
      const values: Record<string, unknown> = {};
      const others: TlvRecord[] = [];
      eachRecord(reader, (type, value) => {
        const entry = byType.get(type);
        if (entry !== undefined) {
          values[entry.name] = entry.codec.read(value);
          value.expectEnd();
        } else if (type % 2n === 0n && !(unknown === "keep-custom" && type >= customTypes)) {
          throw value.error("unknown even type");
        } else if (unknown !== undefined) {
          others.push({ type, value: value.rest() });
        }
      });
      for (const { name } of required) {
        if (!Object.hasOwn(values, name)) throw reader.error("missing", name);
      }
      return others.length > 0 ? { ...values, unknown: others } : values;
    },
    write(writer: Writer, value: object): void {
      const values = value as Readonly<Record<string, unknown>>;
      const others = unknown === undefined ? undefined : (value as UnknownRecords).unknown;
      if (others !== undefined && others.length > 0) {
        writeTlvRecords(writer, inOrder(entries, values, others));
        return;
      }
      for (const { name, type, codec, required: needed } of entries) {
        const field = values[name];
        if (field !== undefined) writer.bigSize(type).withLength(() => codec.write(writer, field));
        else if (needed) throw new InvariantError(`missing TLV record: ${name}`);
      }
    },
  };
}

/** The declared records and the unknown ones, by type. */
function inOrder(
  entries: readonly Entry[],
  values: Readonly<Record<string, unknown>>,
  others: readonly TlvRecord[],
): readonly TlvRecord[] {
  const records = [...others];
  for (const { name, type, codec, required } of entries) {
    const field = values[name];
    if (field !== undefined) records.push({ type, value: encoded(codec, field) });
    else if (required) throw new InvariantError(`missing TLV record: ${name}`);
  }
  return records.sort((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0));
}

/** Types from here on are nobody's but the applications' (BOLT 1). */
const customTypes = 0x1_0000n;

function eachRecord(reader: Reader, visit: (type: bigint, value: Reader) => void): void {
  let previous = -1n;
  while (reader.remaining > 0) {
    const type = reader.bigSize();
    if (type <= previous) throw reader.error(`TLV type ${type} after ${previous}`);
    previous = type;
    const length = reader.bigSize();
    if (length > reader.remaining) {
      throw new DecodeError(`${length} bytes claimed, ${reader.remaining} left`, reader.offset, String(type));
    }
    const value = reader.sub(Number(length));
    try {
      visit(type, value);
    } catch (error) {
      throw errorWithin(error, String(type));
    }
  }
}

function encoded(codec: Codec<unknown>, value: unknown): Uint8Array {
  const writer = new Writer(64);
  codec.write(writer, value);
  return writer.finish();
}
