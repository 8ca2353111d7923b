import { allows, type Scope } from "@fulmen/api/routes";
import { type RateLimit, RateLimiter } from "../limits/rateLimit.ts";
import { RequestRefusal } from "../refusal.ts";
import { findToken, type StoredToken } from "../tokens/token.ts";

/** How much is taken from whom. */
export interface Limits {
  readonly perToken: RateLimit;
  readonly perAddress: RateLimit;
  /** Requests with a token that is none, by address. */
  readonly wrongTokens: RateLimit;
}

/** More than a busy shop asks, less than keeps a core busy. */
export const defaultLimits: Limits = {
  perToken: { perSecond: 500, burst: 1000 },
  perAddress: { perSecond: 1000, burst: 2000 },
  wrongTokens: { perSecond: 0.2, burst: 10 },
};

/** All tokens; `now`: as they are now, not as they were up to a second ago. */
export type TokenSource = (now: boolean) => readonly StoredToken[];

/** Decides who may ask for what. */
export class Gate {
  readonly #tokens: TokenSource;
  readonly #now: () => number;
  readonly #byToken: RateLimiter;
  readonly #byAddress: RateLimiter;
  readonly #wrong: RateLimiter;

  constructor(tokens: TokenSource, limits: Limits, now: () => number = Date.now) {
    this.#tokens = tokens;
    this.#now = now;
    this.#byToken = new RateLimiter(limits.perToken, now);
    this.#byAddress = new RateLimiter(limits.perAddress, now);
    this.#wrong = new RateLimiter(limits.wrongTokens, now);
  }

  /**
   * The token of a request that needs `scope`; refuses without one that is valid and has it. Limits by address are for
   * requests without a token: whoever has one is not shut out by others who come from the same address.
   */
  admit(address: string, header: string | undefined, scope: Scope | undefined): StoredToken | undefined {
    if (scope === undefined) {
      this.#countStranger(address);
      return undefined;
    }
    const token = this.#tokenOf(address, header);
    refuseTooMany(this.#byToken.take(token.id), "This token is used too often.");
    if (!allows(token.scopes, scope))
      throw new RequestRefusal(
        "scope-missing",
        `This needs the scope ${scope}; the token "${token.name}" has ${token.scopes.join(", ") || "none"}.`,
        `Use a token with that scope: fulmen token create --scope ${scope}.`,
      );
    return token;
  }

  /** Whether a token that was admitted would be admitted now: it may have expired, or been revoked. */
  isValid({ hash }: StoredToken): boolean {
    const token = this.#tokens(false).find((one) => one.hash === hash);
    return token !== undefined && !this.#isExpired(token);
  }

  #tokenOf(address: string, header: string | undefined): StoredToken {
    const remedy = "Make one with: fulmen token create.";
    if (header === undefined) {
      this.#countStranger(address);
      throw new RequestRefusal("token-missing", "There is no header Authorization: Bearer <token>.", remedy);
    }
    const [, text] = /^Bearer +([!-~]{1,200})$/i.exec(header) ?? [];
    const token = text === undefined ? undefined : this.#find(address, text);
    if (token === undefined) {
      this.#countStranger(address);
      refuseTooMany(this.#wrong.take(address), "This address has shown too many wrong tokens.");
      throw new RequestRefusal("token-unknown", "This token is not known: wrong, or revoked.", remedy);
    }
    if (this.#isExpired(token))
      throw new RequestRefusal(
        "token-expired",
        `The token "${token.name}" expired at ${new Date((token.expiresAt ?? 0) * 1000).toISOString()}.`,
        remedy,
      );
    return token;
  }

  /** One that was made a moment ago is not known yet: the file is looked at, but not for who guesses. */
  #find(address: string, text: string): StoredToken | undefined {
    const known = findToken(this.#tokens(false), text);
    const mayLook = known === undefined && this.#wrong.look(address) === undefined;
    return mayLook ? findToken(this.#tokens(true), text) : known;
  }

  #countStranger(address: string): void {
    refuseTooMany(this.#byAddress.take(address), "This address asks too often.");
  }

  #isExpired({ expiresAt }: StoredToken): boolean {
    return expiresAt !== undefined && this.#now() / 1000 >= expiresAt;
  }
}

function refuseTooMany(wait: number | undefined, message: string): void {
  if (wait === undefined) return;
  throw new RequestRefusal("rate-limited", message, `Come back in ${wait} s.`, wait);
}
