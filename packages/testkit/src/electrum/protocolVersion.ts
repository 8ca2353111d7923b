import { isJsonObject, type Json } from "./json.ts";

/** The first protocol that we speak. */
export const oldestProtocol = "1.4";
/** Protocols that end what a server speaks: those of 1.4 are answered alike, 1.6 has methods and answers of its own. */
export type NewestProtocol = "1.4.2" | "1.6";

/** What we speak, newest first. */
const spoken = ["1.6", "1.4.2", "1.4.1", oldestProtocol] as const;

/**
 * The newest protocol, up to `newest`, that a client speaks too, which names one version, or the oldest and the newest;
 * it speaks the oldest of ours when it names none. `undefined` when there is no such.
 */
export function commonProtocol(offered: Json | undefined, newest: NewestProtocol): string | undefined {
  if (offered === undefined || offered === null) return oldestProtocol;
  const ends: readonly Json[] =
    typeof offered === "string" ? [offered, offered] : isList(offered) ? offered : [];
  const [from, to] = ends.map(partsOf);
  if (ends.length !== 2 || from === undefined || to === undefined) return undefined;
  return spoken.slice(spoken.indexOf(newest)).find((version) => {
    const parts = partsOf(version);
    return parts !== undefined && compare(from, parts) <= 0 && compare(parts, to) <= 0;
  });
}

function isList(value: Json): value is readonly Json[] {
  return typeof value === "object" && value !== null && !isJsonObject(value);
}

/** `1.4.2` as numbers. */
function partsOf(version: Json): readonly number[] | undefined {
  if (typeof version !== "string" || !/^\d{1,5}(?:\.\d{1,5}){0,4}$/.test(version)) return undefined;
  return version.split(".").map(Number);
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
