import { toHex } from "@fulmen/bitcoin/primitives";
import { invariant, present } from "@fulmen/lightning/util";
import type { Account, Keychain } from "../descriptor/index.ts";

/** Which script of the wallet: the account by its place among the wallet's accounts, the chain, and the index. */
export interface Place {
  readonly account: number;
  readonly keychain: Keychain;
  readonly index: number;
}

/** How far a chain has been handed out. */
export interface KeychainState {
  readonly account: number;
  readonly keychain: Keychain;
  /** The first index that was never handed out. */
  readonly next: number;
  /** Indices below `next` that came back, since nothing with them ever left the wallet. */
  readonly returned: readonly number[];
  /** The first index after the last one that was paid to; `next` when not given. */
  readonly unpaid?: number;
}

interface Chain {
  next: number;
  /** The first index after the last one that was paid to. */
  unpaid: number;
  readonly returned: number[];
  /** Scripts that are known by index: `gapLimit` beyond `next`. */
  readonly scripts: Uint8Array[];
}

const keychains: readonly Keychain[] = ["receive", "change"];

/** All scripts of the wallet: which were handed out, and those that a restored wallet must look for beyond them. */
export class Keyring {
  readonly #accounts: readonly Account[];
  readonly #gapLimit: number;
  readonly #chains = new Map<string, Chain>();
  /** By hex of the script. */
  readonly #places = new Map<string, Place>();
  #fresh: Uint8Array[] = [];

  constructor(accounts: readonly Account[], gapLimit: number, states: readonly KeychainState[] = []) {
    invariant(accounts.length > 0, "a wallet has an account");
    invariant(Number.isInteger(gapLimit) && gapLimit > 0, `no gap limit: ${gapLimit}`);
    this.#accounts = accounts;
    this.#gapLimit = gapLimit;
    for (const account of accounts.keys()) {
      for (const keychain of keychains) {
        const state = states.find((each) => each.account === account && each.keychain === keychain);
        const returned = [...(state?.returned ?? [])];
        const { next = 0, unpaid = next } = state ?? {};
        this.#chains.set(chainKey(account, keychain), { next, unpaid, returned, scripts: [] });
        this.#lookAhead(account, keychain);
      }
    }
  }

  get accounts(): readonly Account[] {
    return this.#accounts;
  }

  account(place: Place): Account {
    return present(this.#accounts[place.account], `account ${place.account}`);
  }

  /** Where a script belongs; `undefined` when it is not known as one of the wallet's. */
  place(script: Uint8Array): Place | undefined {
    return this.#places.get(toHex(script));
  }

  script({ account, keychain, index }: Place): Uint8Array {
    return present(this.#chain(account, keychain).scripts[index], "script of a known place");
  }

  /** What `handOut` would give. */
  peek(account: number, keychain: Keychain): Place {
    const { next, unpaid, returned } = this.#chain(account, keychain);
    const isTooFar = keychain === "receive" && next - unpaid >= this.#gapLimit;
    return { account, keychain, index: returned[0] ?? (isTooFar ? unpaid : next) };
  }

  /**
   * The next script of a chain, once. Where so many addresses were given in a row that nobody paid to, the first of
   * them comes again: a wallet that is restored from its seed alone would not find those beyond.
   */
  handOut(account: number, keychain: Keychain): Place {
    const place = this.peek(account, keychain);
    this.use(place);
    return place;
  }

  /** Takes a script back that nobody has seen. */
  takeBack({ account, keychain, index }: Place): void {
    const { returned } = this.#chain(account, keychain);
    if (returned.includes(index)) return;
    returned.push(index);
    returned.sort((a, b) => a - b);
  }

  /** A block pays to a script. Says whether that was news. */
  pay(place: Place): boolean {
    const chain = this.#chain(place.account, place.keychain);
    const isNews = this.use(place);
    if (place.index < chain.unpaid) return isNews;
    chain.unpaid = place.index + 1;
    return true;
  }

  /** Whether a block is known that pays to this script, or to one beyond it. */
  isPaid({ account, keychain, index }: Place): boolean {
    return index < this.#chain(account, keychain).unpaid;
  }

  /**
   * A script is handed out, or was by a wallet of the same seed: none up to it is given again. Says whether that was
   * news.
   */
  use({ account, keychain, index }: Place): boolean {
    const chain = this.#chain(account, keychain);
    const at = chain.returned.indexOf(index);
    if (at !== -1) chain.returned.splice(at, 1);
    if (index < chain.next) return at !== -1;
    chain.next = index + 1;
    this.#lookAhead(account, keychain);
    return true;
  }

  /** Scripts to look for on the chain: all that were handed out, and `gapLimit` more of each chain. */
  scripts(): readonly Uint8Array[] {
    return [...this.#chains.values()].flatMap(({ scripts }) => scripts);
  }

  /** Those of `scripts` that were not taken before. */
  takeScripts(): readonly Uint8Array[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  states(): readonly KeychainState[] {
    return [...this.#accounts.keys()].flatMap((account) =>
      keychains.map((keychain) => {
        const { next, unpaid, returned } = this.#chain(account, keychain);
        return { account, keychain, next, unpaid, returned: [...returned] };
      }),
    );
  }

  #chain(account: number, keychain: Keychain): Chain {
    return present(this.#chains.get(chainKey(account, keychain)), `account ${account}`);
  }

  #lookAhead(accountIndex: number, keychain: Keychain): void {
    const account = present(this.#accounts[accountIndex], `account ${accountIndex}`);
    const { next, scripts } = this.#chain(accountIndex, keychain);
    for (let index = scripts.length; index < next + this.#gapLimit; index++) {
      const script = account.script(keychain, index);
      scripts.push(script);
      this.#fresh.push(script);
      this.#places.set(toHex(script), { account: accountIndex, keychain, index });
    }
  }
}

function chainKey(account: number, keychain: Keychain): string {
  return `${account}/${keychain}`;
}
