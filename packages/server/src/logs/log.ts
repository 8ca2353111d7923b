import type { NodeLogger } from "@fulmen/node";
import { type DestinationStream, type Logger, pino } from "pino";

/** From the least to the most important. */
export const logLevels = ["debug", "info", "warn", "error"] as const;

/** One of `logLevels`. */
export type LogLevel = (typeof logLevels)[number];

/** Fields of a line, beside its text. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Names of fields whose values are never written. */
const secretFields = [
  "authorization",
  "token",
  "password",
  "passphrase",
  "seed",
  "mnemonic",
  "preimage",
  "paymentSecret",
  "privateKey",
  "cookie",
];

/**
 * The daemon's log: one JSON object a line, with `time`, `level`, `module` and `msg`. Nothing that gives power over money
 * is written: fields with a secret's name, tokens in texts, and passwords in URLs are replaced by `[redacted]`.
 */
export class Log implements NodeLogger {
  readonly #pino: Logger;

  constructor(level: LogLevel, destination: DestinationStream) {
    this.#pino = pino(
      {
        level,
        base: null,
        timestamp: () => `,"time":"${new Date().toISOString()}"`,
        formatters: { level: (label) => ({ level: label }) },
        redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: "[redacted]" },
      },
      destination,
    );
  }

  /** A line of the node's. */
  log({ level, module, text, nodeId }: Parameters<NodeLogger["log"]>[0]): void {
    this.write(level, module, text, nodeId === undefined ? {} : { nodeId });
  }

  /** A line of the daemon's own. */
  write(level: LogLevel, module: string, text: string, fields: LogFields = {}): void {
    const clean = Object.entries(fields).map(
      ([name, value]) => [name, typeof value === "string" ? withoutSecrets(value) : value] as const,
    );
    this.#pino[level]({ module, ...Object.fromEntries(clean) }, withoutSecrets(text));
  }
}

/** A text with tokens, and passwords inside of URLs, made unreadable. */
export function withoutSecrets(text: string): string {
  return text
    .replace(/fulmen_[A-Za-z0-9_-]{20,}/g, "[redacted]")
    .replace(/\b(Bearer|Basic) +[A-Za-z0-9+/=_.~-]{8,}/gi, "$1 [redacted]")
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, "$1[redacted]@");
}
