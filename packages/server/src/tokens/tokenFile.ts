import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { isScope, type Scope } from "@fulmen/api/routes";
import { ServerError } from "../serverError.ts";
import { hashOfToken, newToken, type StoredToken } from "./token.ts";

/** What a new token is to be. */
export interface TokenRequest {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Seconds since 1970; never when absent. */
  readonly expiresAt?: number;
}

const maxTokens = 200;

/**
 * The tokens of a daemon, in a file that only its owner may read. A daemon sees within a second what another process
 * changed in it, so that making and revoking tokens needs no way into the daemon.
 */
export class TokenFile {
  readonly #path: string;
  readonly #now: () => number;
  #tokens: readonly StoredToken[] = [];
  #readAt = Number.NEGATIVE_INFINITY;
  #version = "";

  /** `now` in milliseconds since 1970. */
  constructor(path: string, now: () => number = Date.now) {
    this.#path = path;
    this.#now = now;
  }

  /**
   * All tokens, as they were up to a second ago unless `fresh`; throws `token-file-unusable` where the file is not one
   * of ours.
   */
  list(fresh = false): readonly StoredToken[] {
    const now = this.#now();
    if (!fresh && now >= this.#readAt && now - this.#readAt < 1000) return this.#tokens;
    const version = this.#versionOnDisk();
    if (version !== this.#version) {
      this.#tokens = version === "" ? [] : parseTokens(readFileSync(this.#path, "utf8"), this.#path);
      this.#version = version;
    }
    this.#readAt = now;
    return this.#tokens;
  }

  /** Makes a token; its text is not kept. */
  create(request: TokenRequest): { readonly text: string; readonly token: StoredToken } {
    const tokens = this.#fresh();
    if (tokens.length >= maxTokens)
      throw new ServerError("too-many-tokens", `There are ${tokens.length} tokens already.`, {
        remedy: "Revoke those that nobody uses: fulmen token list, fulmen token revoke <id>.",
      });
    const text = newToken();
    const token: StoredToken = {
      id: randomBytes(4).toString("hex"),
      name: request.name,
      scopes: request.scopes,
      hash: hashOfToken(text),
      createdAt: Math.floor(this.#now() / 1000),
      ...(request.expiresAt !== undefined && { expiresAt: request.expiresAt }),
    };
    this.#write([...tokens, token]);
    return { text, token };
  }

  /** Whether there was one of this id, or of this name, that is gone now. */
  revoke(idOrName: string): boolean {
    const tokens = this.#fresh();
    const left = tokens.filter(({ id, name }) => id !== idOrName && name !== idOrName);
    if (left.length === tokens.length) return false;
    this.#write(left);
    return true;
  }

  #fresh(): readonly StoredToken[] {
    return this.list(true);
  }

  #write(tokens: readonly StoredToken[]): void {
    const path = `${this.#path}.new`;
    const file = openSync(path, "w", 0o600);
    try {
      writeFileSync(file, `${JSON.stringify({ tokens }, undefined, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(path, this.#path);
    this.#fresh();
  }

  /** Changes whenever the file does; empty where there is none. */
  #versionOnDisk(): string {
    const found = statSync(this.#path, { throwIfNoEntry: false, bigint: true });
    return found === undefined ? "" : `${found.ino} ${found.mtimeNs} ${found.size}`;
  }
}

function parseTokens(text: string, path: string): readonly StoredToken[] {
  const fail = (what: string): never => {
    throw new ServerError("token-file-unusable", `${path}: ${what}.`, {
      remedy: "Delete the file and make new tokens: fulmen token create.",
    });
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fail("is not JSON");
  }
  const rows = isRecord(value) ? value["tokens"] : undefined;
  if (!Array.isArray(rows)) return fail("has no list of tokens");
  return rows.map((row: unknown) => parseToken(row) ?? fail("has a token that is none"));
}

function parseToken(row: unknown): StoredToken | undefined {
  if (!isRecord(row)) return undefined;
  const { id, name, scopes, hash, createdAt, expiresAt } = row;
  if (typeof id !== "string" || typeof name !== "string" || typeof createdAt !== "number") return undefined;
  if (typeof hash !== "string" || !/^[0-9a-f]{64}$/.test(hash) || !Array.isArray(scopes)) return undefined;
  const known = scopes.filter((scope): scope is Scope => typeof scope === "string" && isScope(scope));
  if (known.length !== scopes.length) return undefined;
  if (expiresAt !== undefined && typeof expiresAt !== "number") return undefined;
  return { id, name, scopes: known, hash, createdAt, ...(expiresAt !== undefined && { expiresAt }) };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
