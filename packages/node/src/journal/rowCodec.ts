import { fromHex, toHex } from "@fulmen/lightning/util";
import { NodeError } from "../api/nodeError.ts";

/** What rows are written in. A later version that cannot be read by this one gets another number. */
const version = 1;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** A row of the journal as bytes: JSON with a version, in which bigints and bytes are tagged. */
export function encodeRow(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify({ v: version, row: tagged(value) }));
}

/** What `encodeRow` was given. Throws `store-unusable` on anything else. */
export function decodeRow<T>(key: string, bytes: Uint8Array): T {
  let parsed: unknown;
  try {
    parsed = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw unreadable(key, "is damaged", cause);
  }
  if (typeof parsed !== "object" || parsed === null || !("v" in parsed) || !("row" in parsed)) {
    throw unreadable(key, "is damaged");
  }
  if (parsed.v !== version)
    throw unreadable(key, `is of version ${String(parsed.v)}, and this program reads ${version}`);
  return untagged(parsed.row) as T;
}

function unreadable(key: string, what: string, cause?: unknown): NodeError {
  return new NodeError("store-unusable", `the row ${key} of the store ${what}`, {
    remedy: "start the version of the program that wrote it, or restore the store from a copy of this moment",
    details: { key },
    cause,
  });
}

function tagged(value: unknown): unknown {
  if (typeof value === "bigint") return { $n: value.toString() };
  if (value instanceof Uint8Array) return { $x: toHex(value) };
  if (Array.isArray(value)) return value.map(tagged);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([name, one]) => [name, tagged(one)]),
  );
}

/** In place: the value was just parsed, and is nobody else's. */
function untagged(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("$n" in value) return BigInt(String(value.$n));
  if ("$x" in value) return fromHex(String(value.$x));
  const record = value as Record<string, unknown>;
  for (const name of Object.keys(record)) {
    const one = record[name];
    if (typeof one === "object") record[name] = untagged(one);
  }
  return record;
}
