import type { EntropySource, KVStore, KvEntry, KvWrite, LeasedStore } from "@fulmen/lightning/chain";
import {
  xchacha20NonceLength as nonceLength,
  xchacha20Poly1305Decrypt,
  xchacha20Poly1305Encrypt,
} from "@fulmen/lightning/crypto";
import { concatBytes, invariant } from "@fulmen/lightning/util";
import { asciiBytes } from "../asciiBytes.ts";
import { checkLimit, ownBatch } from "../keys.ts";
import { StoreError } from "../storeError.ts";

/** The row that tells whether a key is the right one. It is not seen through the encrypted store. */
const encryptionCheckKey = "encryption-check";

/** What that row says; only that it can be read counts. */
const checkText = asciiBytes("Fulmen encrypted store 1");
/** What else this program seals with the same key cannot pass for a value. */
const domain = asciiBytes("fulmen/store-value/1:");
const tagLength = 16;

/** Where random nonces come from, and the store whose values are to be encrypted. */
export interface EncryptedStoreOptions {
  /**
   * Empty, or encrypted with the same key before. It belongs to the encrypted store from now on, and is closed with it.
   */
  readonly store: KVStore;
  /** 32 bytes; whoever has them can read everything. */
  readonly key: Uint8Array;
  readonly entropy: EntropySource;
}

/**
 * A store whose values are encrypted before they reach `store`: XChaCha20-Poly1305 with a random nonce for each write,
 * 40 bytes longer than the plain value. A value is bound to its key: put elsewhere, or changed, it is `corrupt`.
 *
 * Keys stay readable, and so are the lengths of values and what is written when: how many channels, payments and HTLCs
 * there are, the channels' ids (and by them their funding transactions), when each of them moves. Amounts, peers,
 * preimages and secrets are not. Old values can be put back in place of new ones of the same key by who can write to
 * the disk.
 *
 * In front of a store with a lease it is one, too: the node must not act without it. Rejects with `StoreError`
 * `wrong-key`, or `not-encrypted` for a store that has plain values.
 */
export async function encryptedStore({
  store,
  key,
  entropy,
}: EncryptedStoreOptions): Promise<KVStore & Partial<LeasedStore>> {
  invariant(key.length === 32, `a key of ${key.length} bytes, not 32`);
  const sealed = hasLease(store)
    ? new LeasedEncryptedStore(store, key.slice(), entropy)
    : new EncryptedStore(store, key.slice(), entropy);
  await sealed.checkKey();
  return sealed;
}

function hasLease(store: KVStore): store is LeasedStore {
  return "holdsLease" in store;
}

class EncryptedStore implements KVStore {
  readonly #store: KVStore;
  readonly #key: Uint8Array;
  readonly #entropy: EntropySource;

  constructor(store: KVStore, key: Uint8Array, entropy: EntropySource) {
    this.#store = store;
    this.#key = key;
    this.#entropy = entropy;
  }

  async checkKey(): Promise<void> {
    const check = await this.#store.read(encryptionCheckKey);
    if (check !== undefined) {
      if (this.#open(encryptionCheckKey, check) !== undefined) return;
      throw new StoreError(
        "wrong-key",
        "the store is encrypted with another key: give the node its own seed",
      );
    }
    const [first] = await this.#store.scan("", undefined, 1);
    if (first !== undefined) {
      throw new StoreError(
        "not-encrypted",
        "the store has values that are not encrypted: open it without a key, or copy it to an empty encrypted one",
      );
    }
    await this.#store.commit([{ key: encryptionCheckKey, value: this.#seal(encryptionCheckKey, checkText) }]);
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    const sealed = await this.#store.read(key);
    return sealed === undefined || key === encryptionCheckKey ? undefined : this.#opened(key, sealed);
  }

  async scan(prefix: string, after: string | undefined, limit: number): Promise<readonly KvEntry[]> {
    checkLimit(limit);
    const entries = await this.#store.scan(prefix, after, limit + 1);
    return entries
      .filter(({ key }) => key !== encryptionCheckKey)
      .slice(0, limit)
      .map(({ key, value }) => ({ key, value: this.#opened(key, value) }));
  }

  async commit(batch: readonly KvWrite[]): Promise<void> {
    const writes = ownBatch(batch).map(({ key, value }) => {
      invariant(key !== encryptionCheckKey, `${encryptionCheckKey} is the encrypted store's own key`);
      return { key, value: value && this.#seal(key, value) };
    });
    await this.#store.commit(writes);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #seal(key: string, value: Uint8Array): Uint8Array {
    const nonce = this.#entropy.randomBytes(nonceLength);
    invariant(nonce.length === nonceLength, `${nonce.length} random bytes, not ${nonceLength}`);
    return concatBytes(nonce, xchacha20Poly1305Encrypt(this.#key, nonce, aadOf(key), value));
  }

  #opened(key: string, sealed: Uint8Array): Uint8Array {
    const value = this.#open(key, sealed);
    if (value !== undefined) return value;
    throw new StoreError(
      "corrupt",
      `the encrypted value of ${key} was changed, or belongs to another key. Stop this node and keep the store as it is: ` +
        "what it still holds can be recovered. Do not go on with an older copy: a peer may take all funds of a channel " +
        "whose old state is broadcast",
    );
  }

  #open(key: string, sealed: Uint8Array): Uint8Array | undefined {
    if (sealed.length < nonceLength + tagLength) return undefined;
    const nonce = sealed.subarray(0, nonceLength);
    return xchacha20Poly1305Decrypt(this.#key, nonce, aadOf(key), sealed.subarray(nonceLength));
  }
}

class LeasedEncryptedStore extends EncryptedStore implements LeasedStore {
  readonly #leased: LeasedStore;

  constructor(store: LeasedStore, key: Uint8Array, entropy: EntropySource) {
    super(store, key, entropy);
    this.#leased = store;
  }

  get epoch(): bigint {
    return this.#leased.epoch;
  }

  holdsLease(): boolean {
    return this.#leased.holdsLease();
  }

  onLost(listener: (error: Error) => void): void {
    this.#leased.onLost(listener);
  }
}

function aadOf(key: string): Uint8Array {
  return concatBytes(domain, asciiBytes(key));
}
