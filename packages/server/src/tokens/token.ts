import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Scope } from "@fulmen/api/routes";

/** What is kept of a token. The token itself is shown once, to who made it. */
export interface StoredToken {
  /** Names it in lists and logs; no secret. */
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** SHA-256 of the token, in hex. */
  readonly hash: string;
  /** Seconds since 1970. */
  readonly createdAt: number;
  /** Seconds since 1970; never when absent. */
  readonly expiresAt?: number;
}

const prefix = "fulmen_";
const secretBytes = 32;

/** A new token: 32 random bytes as text. */
export function newToken(): string {
  return prefix + randomBytes(secretBytes).toString("base64url");
}

/**
 * SHA-256 without salt or stretching: those slow down who guesses, and nobody guesses 256 random bits. Whoever reads
 * the hashes can use none of the tokens.
 */
export function hashOfToken(token: string): string {
  return hash("sha256", token);
}

/** The token of this text. All are compared, each in constant time, so that an answer's time says nothing of a hash. */
export function findToken(tokens: readonly StoredToken[], text: string): StoredToken | undefined {
  const shown = Buffer.from(hashOfToken(text), "hex");
  let found: StoredToken | undefined;
  for (const token of tokens) {
    if (timingSafeEqual(Buffer.from(token.hash, "hex"), shown)) found = token;
  }
  return found;
}
