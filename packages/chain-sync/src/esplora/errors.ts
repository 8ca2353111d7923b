import { printable } from "@fulmen/lightning/util";
import { ChainSourceError } from "../chainSourceError.ts";

/** Characters of a server's text that a message repeats. */
const longestEcho = 200;

/** A server's text as a message repeats it. */
export function shown(text: string): string {
  return printable(text.trim(), longestEcho);
}

/** More bytes than are taken in. */
export class AnswerTooLarge extends ChainSourceError {
  constructor(name: string, mostBytes: number) {
    const remedy = "check that the address is that of an Esplora API, or use another server";
    super("invalid-answer", `${name}: an answer has more than ${mostBytes} bytes`, remedy);
  }
}

export function unreachable(name: string, why: string, cause?: unknown): ChainSourceError {
  return new ChainSourceError(
    "unreachable",
    `${name}: ${why}`,
    "check the address and the connection, or use another server",
    cause,
  );
}

export function invalidAnswer(name: string, what: string): ChainSourceError {
  return new ChainSourceError(
    "invalid-answer",
    `${name}: ${what}`,
    "check that the address is that of an Esplora API, or use another server",
  );
}

export function stopped(name: string): ChainSourceError {
  return new ChainSourceError("stopped", `${name} was stopped`, "make a new source to go on");
}
