import type { NodeLogger } from "@fulmen/node";
import { type DestinationStream, type Logger, pino } from "pino";
import { RateLimiter } from "../limits/rateLimit.ts";

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

/** Lines about one peer, and about all: whoever makes us write more would push out of the file what matters. */
const linesOfPeer = { perSecond: 0.5, burst: 60 };
const linesOfPeers = { perSecond: 10, burst: 1_000 };

/**
 * The daemon's log: one JSON object a line, with `time`, `level`, `module` and `msg`. Nothing that gives power over
 * money is written: fields with a secret's name, tokens in texts, and passwords in URLs are replaced by `[redacted]`.
 * Of what peers give rise to, so much is written and no more, unless it is an error of ours.
 */
export class Log implements NodeLogger {
  readonly #pino: Logger;
  readonly #ofPeer: RateLimiter;
  readonly #ofPeers: RateLimiter;
  #leftOut = 0;

  /** `now` in milliseconds. */
  constructor(level: LogLevel, destination: DestinationStream, now: () => number = Date.now) {
    this.#ofPeer = new RateLimiter(linesOfPeer, now);
    this.#ofPeers = new RateLimiter(linesOfPeers, now);
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
    if (nodeId !== undefined && level !== "error" && this.#isTooMuch(level, nodeId)) return;
    this.write(level, module, text, nodeId === undefined ? {} : { nodeId });
  }

  #isTooMuch(level: LogLevel, nodeId: string): boolean {
    // What is not written takes no room.
    if (!this.#pino.isLevelEnabled(level)) return true;
    if (this.#ofPeer.take(nodeId) !== undefined || this.#ofPeers.take("") !== undefined) {
      this.#leftOut++;
      return true;
    }
    if (this.#leftOut > 0) this.write("warn", "log", `${this.#leftOut} lines about peers were left out`);
    this.#leftOut = 0;
    return false;
  }

  /** A line of the daemon's own. */
  write(level: LogLevel, module: string, text: string, fields: LogFields = {}): void {
    if (!this.#pino.isLevelEnabled(level)) return;
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
