import { readFileSync } from "node:fs";

/** A JSON fixture of `fixtures/bitcoin`, whose shape the caller knows. */
export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../fixtures/bitcoin/${name}`, import.meta.url), "utf8")) as T;
}
