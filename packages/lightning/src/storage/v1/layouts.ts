import type { Codec } from "../../codec/codec.ts";
import { bool } from "../../codec/primitives.ts";
import { versionedRecord } from "../../codec/record.ts";
import { type TlvField, type TlvFields, tlvs } from "../../codec/tlv.ts";
import { InvariantError } from "../../util/invariant.ts";

// How records of version 1 are put together. What these functions write is frozen: it is on users' disks.

/** What this version writes at the head of every record, and the oldest version that may read it. */
const v1 = { version: 1, oldestReader: 1 };

/** A whole record: `[version][oldest reader version][body]`. */
export function record<T>(body: Codec<T>): Codec<T> {
  return versionedRecord(v1, body);
}

/** A value that is always there. */
interface Needed<T> extends TlvField {
  readonly codec: Codec<T>;
  readonly required: true;
}

/** A value that may be absent. */
interface Possible<T> extends TlvField {
  readonly codec: Codec<T>;
  readonly required?: never;
}

/**
 * A TLV record for every key of `T`, optional ones included: a key that is added to a type does not compile before it
 * is stored, so that nothing is lost without a word.
 */
export type LayoutOf<T> = {
  readonly [K in keyof T]-?: Pick<T, never> extends Pick<T, K>
    ? Possible<Exclude<T[K], undefined>>
    : Needed<T[K]>;
};

/** The TLV record `type` of a key that is always there. Even types are those that an older reader must not skip. */
export function needed<T>(type: number, codec: Codec<T>): Needed<T> {
  return { type, codec, required: true };
}

/** The TLV record `type` of an optional key. */
export function possible<T>(type: number, codec: Codec<T>): Possible<T> {
  return { type, codec };
}

/** A TLV stream with a record for every key of `T`. It takes up all that remains: inside others it is `sized`. */
export function layout<T extends object>(spec: string, fields: LayoutOf<T>): Codec<T> {
  return tlvs(spec, fields as TlvFields) as Codec<object> as Codec<T>;
}

/** `codec` behind its length, for what takes up all that remains. */
export function sized<T>(codec: Codec<T>): Codec<T> {
  return {
    spec: `bigsize*(${codec.spec})`,
    read(reader) {
      const length = reader.bigSize();
      if (length > reader.remaining) throw reader.error(`${length} bytes claimed, ${reader.remaining} left`);
      const inner = reader.sub(Number(length));
      const value = codec.read(inner);
      inner.expectEnd();
      return value;
    },
    write(writer, value) {
      writer.withLength(() => codec.write(writer, value));
    },
  };
}

/** `layout` behind its length. */
export function nested<T extends object>(spec: string, fields: LayoutOf<T>): Codec<T> {
  return sized(layout<T>(spec, fields));
}

/** `codec` behind a byte that says whether there is a value, for what has no type of its own. */
export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    spec: `?${codec.spec}`,
    read: (reader) => (bool.read(reader) ? codec.read(reader) : undefined),
    write(writer, value) {
      bool.write(writer, value !== undefined);
      if (value !== undefined) codec.write(writer, value);
    },
  };
}

interface Kinded {
  readonly kind: string;
}

/** For every kind of `T`, its number on disk and the layout of its other keys. */
export type CasesOf<T extends Kinded> = {
  readonly [K in T["kind"]]: readonly [
    tag: number,
    fields: LayoutOf<Omit<Extract<T, { readonly kind: K }>, "kind">>,
    former?: FormerCases<Extract<T, { readonly kind: K }>>,
  ];
};

/** Forms in which a kind was once written, each under a number of its own. */
export type FormerCases<T> = readonly (readonly [tag: number, codec: Codec<T>])[];

type AnyCase = readonly [tag: number, fields: TlvFields, former?: FormerCases<unknown>];

/**
 * One byte for the kind, then the layout of that kind behind its length. A kind that is added to `T` does not compile
 * before it is stored. `former` are forms of a kind that are read and written no more.
 */
export function union<T extends Kinded>(spec: string, cases: CasesOf<T>): Codec<T> {
  const byKind = new Map<string, readonly [number, Codec<object>]>();
  const byTag = new Map<number, readonly [string, Codec<object>]>();
  const formerly = new Map<number, Codec<unknown>>();
  for (const [kind, [tag, fields, former = []]] of Object.entries<AnyCase>(cases)) {
    const body = sized<object>(tlvs(kind, fields));
    if (byTag.has(tag)) throw new InvariantError(`${spec}: two kinds with the tag ${tag}`);
    byKind.set(kind, [tag, body]);
    byTag.set(tag, [kind, body]);
    for (const [formerTag, codec] of former) formerly.set(formerTag, codec);
  }
  return {
    spec,
    read(reader) {
      const tag = reader.u8();
      const once = formerly.get(tag);
      if (once !== undefined) return once.read(reader) as T;
      const found = byTag.get(tag);
      if (found === undefined) throw reader.error(`unknown kind ${tag} of ${spec}`);
      const [kind, body] = found;
      return { kind, ...body.read(reader) } as T;
    },
    write(writer, value) {
      const found = byKind.get(value.kind);
      if (found === undefined) throw new InvariantError(`${spec} of kind ${value.kind}`);
      writer.u8(found[0]);
      found[1].write(writer, value);
    },
  };
}

/** What was written once in another form, and is read as what it means today. */
export function former<F, T>(codec: Codec<F>, meaning: (row: F) => T): Codec<T> {
  return {
    spec: codec.spec,
    read: (reader) => meaning(codec.read(reader)),
    write: () => {
      throw new InvariantError(`${codec.spec} is not written in this form any more`);
    },
  };
}

/** One byte for one of several names. */
export function nameOf<T extends string>(spec: string, tags: { readonly [K in T]: number }): Codec<T> {
  const byName = new Map<string, number>(Object.entries(tags));
  const byTag = new Map<number, string>();
  for (const [name, tag] of byName) byTag.set(tag, name);
  if (byTag.size !== byName.size) throw new InvariantError(`${spec}: two names with one tag`);
  return {
    spec,
    size: 1,
    read(reader) {
      const tag = reader.u8();
      const name = byTag.get(tag);
      if (name === undefined) throw reader.error(`unknown ${spec} ${tag}`);
      return name as T;
    },
    write(writer, value) {
      const tag = byName.get(value);
      if (tag === undefined) throw new InvariantError(`${spec} ${value}`);
      writer.u8(tag);
    },
  };
}
