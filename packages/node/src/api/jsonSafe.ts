import { toHex } from "@fulmen/lightning/util";

/**
 * What `T` is in JSON: bigints are decimal strings, since JSON's numbers lose what is above 2^53; bytes are lower-case
 * hex; what is `undefined` is left out.
 */
export type JsonSafe<T> = T extends bigint | Uint8Array
  ? string
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends readonly (infer E)[]
      ? readonly JsonSafe<E>[]
      : T extends object
        ? { readonly [K in keyof T]: JsonSafe<T[K]> }
        : never;

/** A view as JSON can carry it. For plain data: the views and events of a node. */
export function jsonSafe<T>(value: T): JsonSafe<T> {
  return plain(value) as JsonSafe<T>;
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries.map(([key, one]) => [key, plain(one)]));
}
