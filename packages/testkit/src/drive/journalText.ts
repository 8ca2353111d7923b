import { fromHex, toHex } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";

// JSON for channels' inputs and states: bigints, bytes and features are tagged, everything else is as JSON has it.

const bigintTag = "$bigint";
const bytesTag = "$bytes";
const featuresTag = "$features";

/** One line of text; `undefined` properties are left out. */
export function toJournalText(value: unknown): string {
  return JSON.stringify(tagged(value));
}

/** The value that `toJournalText` wrote. */
export function fromJournalText(text: string): unknown {
  return untagged(JSON.parse(text));
}

function tagged(value: unknown): unknown {
  if (typeof value === "bigint") return { [bigintTag]: value.toString() };
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return { [bytesTag]: toHex(value) };
  if (value instanceof Features) return { [featuresTag]: toHex(value.toBytes()) };
  if (Array.isArray(value)) return value.map(tagged);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, tagged(item)]));
}

function untagged(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(untagged);
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first !== undefined && typeof first[1] === "string") {
    const [tag, text] = first;
    if (tag === bigintTag) return BigInt(text);
    if (tag === bytesTag) return fromHex(text);
    if (tag === featuresTag) return Features.fromBytes(fromHex(text));
  }
  return Object.fromEntries(entries.map(([key, item]) => [key, untagged(item)]));
}
