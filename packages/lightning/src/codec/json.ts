import { toHex } from "../util/bytes.ts";

/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * A view of any decoded value for logs and APIs: bigints become decimal strings and bytes hex. Absent values are left
 * out; an object that says how it looks in JSON (`toJSON`: secrets, features) is asked.
 */
export function toJson(value: unknown): Json {
  switch (typeof value) {
    case "bigint":
      return value.toString();
    case "number":
    case "string":
    case "boolean":
      return value;
    case "object":
      return objectToJson(value);
    case "undefined":
    case "function":
    case "symbol":
      return null;
  }
}

function objectToJson(value: object | null): Json {
  if (value === null) return null;
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(toJson);
  if ("toJSON" in value && typeof value.toJSON === "function") return toJson(value.toJSON());
  const fields: [string, Json][] = [];
  for (const [key, field] of Object.entries(value)) {
    if (field !== undefined) fields.push([key, toJson(field)]);
  }
  // Not by assignment: that would not store the key `__proto__`.
  return Object.fromEntries(fields);
}
