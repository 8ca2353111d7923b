import type { Client } from "@fulmen/client";
import { say } from "../output/terminal.ts";
import type { CommonOptions } from "./connection.ts";

/** What the API answers. */
export type Answer<N extends keyof Client> = Client[N] extends (...input: never[]) => Promise<infer T>
  ? T
  : never;

/** Prints an answer: as JSON where that is asked for, else in words. */
export function show<T>({ json }: CommonOptions, answer: T, words: (answer: T) => string): void {
  say(json === true ? JSON.stringify(answer, undefined, 2) : words(answer));
}
