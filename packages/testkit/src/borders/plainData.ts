import { fromHex, toHex } from "@fulmen/lightning/util";

/** Something that cannot cross a border: `path` says where in the value it is. */
export class NotPlainError extends Error {
  override readonly name = "NotPlainError";

  constructor(path: string, what: string) {
    super(`${path} is ${what}, which is not plain data`);
  }
}

/**
 * `value` written as JSON and read again, as on its way to another process. Plain data are `undefined`, `null`,
 * booleans, finite numbers, strings, bigints, bytes, and arrays and objects of plain data; bigints and bytes are
 * tagged. Properties that are `undefined` are left out. Throws `NotPlainError` on anything else: functions, symbols,
 * instances of classes, maps and sets.
 */
export function plainCopy(value: unknown, path = "value"): unknown {
  if (value === undefined) return undefined;
  const text = JSON.stringify(tagged(value, path));
  return untagged(JSON.parse(text));
}

/** Of objects with one key, this one's is a tag. */
const bigintTag = "$bigint";
const bytesTag = "$bytes";

function tagged(value: unknown, path: string): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "bigint":
      return { [bigintTag]: value.toString() };
    case "number":
      if (!Number.isFinite(value) || Object.is(value, -0))
        throw new NotPlainError(path, `the number ${value}`);
      return value;
    case "object":
      return value === null ? null : taggedObject(value, path);
    case "undefined":
    case "function":
    case "symbol":
      throw new NotPlainError(path, `of type ${typeof value}`);
  }
}

function taggedObject(value: object, path: string): unknown {
  if (value instanceof Uint8Array) return { [bytesTag]: toHex(value) };
  if (Array.isArray(value)) return value.map((item: unknown, index) => tagged(item, `${path}[${index}]`));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new NotPlainError(path, `an instance of ${value.constructor.name}`);
  }
  if (Object.getOwnPropertySymbols(value).length > 0) throw new NotPlainError(path, "an object with symbols");
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (key.startsWith("$")) throw new NotPlainError(`${path}.${key}`, "named like a tag");
    if (item !== undefined) result[key] = tagged(item, `${path}.${key}`);
  }
  return result;
}

function untagged(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(untagged);
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first !== undefined && typeof first[1] === "string") {
    if (first[0] === bigintTag) return BigInt(first[1]);
    if (first[0] === bytesTag) return fromHex(first[1]);
  }
  return Object.fromEntries(entries.map(([key, item]) => [key, untagged(item)]));
}
