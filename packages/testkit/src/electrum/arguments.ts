import { fromHex, type Txid } from "@fulmen/bitcoin/primitives";
import type { ScriptHash } from "../lookup/index.ts";
import type { Json } from "./json.ts";
import { badRequest } from "./requestError.ts";

/** Of a value that a client sent, as an error repeats it. */
const longestEcho = 100;

const hash = /^[0-9a-f]{64}$/i;

/** A height, a count or a position; text of digits will do, as it does for ElectrumX. */
export function nonNegativeInteger(value: Json | undefined): number {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) return number;
  throw badRequest(`${shown(value)} should be a non-negative integer`);
}

/** `true` or `false`; `what` names the parameter. */
export function boolean(value: Json | undefined, what: string): boolean {
  if (typeof value === "boolean") return value;
  throw badRequest(`"${what}" must be a boolean`);
}

/** A transaction's id in display order. */
export function transactionHash(value: Json | undefined): Txid {
  if (typeof value === "string" && hash.test(value)) return value.toLowerCase() as Txid;
  throw badRequest(`${shown(value)} should be a transaction hash`);
}

/** The hash of an output script. */
export function scriptHash(value: Json | undefined): ScriptHash {
  if (typeof value === "string" && hash.test(value)) return value.toLowerCase() as ScriptHash;
  throw badRequest(`${shown(value)} is not a valid script hash`);
}

/** Bytes. */
export function hexBytes(value: Json | undefined): Uint8Array {
  if (typeof value === "string" && /^(?:[0-9a-f]{2})*$/i.test(value)) return fromHex(value.toLowerCase());
  throw badRequest(`${shown(value)} should be a hex string`);
}

function shown(value: Json | undefined): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
  return text.length > longestEcho ? `${text.slice(0, longestEcho)}...` : text;
}
