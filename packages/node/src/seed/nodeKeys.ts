import { crypto } from "@fulmen/bitcoin/crypto";
import { KeysManager, PhantomKeysManager } from "@fulmen/lightning/sign";
import { NodeError } from "../api/nodeError.ts";
import type { NodeOptions } from "../api/options.ts";
import { DeveloperKeys } from "./developerKeys.ts";
import { seedOfWords } from "./mnemonic.ts";

/** The keys that all follow from one seed. */
export interface NodeKeys {
  /** Of the wallet's BIP 32 tree: with the words, other wallets find the same addresses. */
  readonly walletSeed: Uint8Array;
  readonly keys: KeysManager;
}

/**
 * The channels' keys come from the private key of the BIP 32 master of the same seed, as ldk-node derives them: the
 * same words give the same node id there.
 */
export function nodeKeys({
  seed,
  passphrase,
  crossNodeSeed,
  development,
}: Pick<NodeOptions, "seed" | "passphrase" | "crossNodeSeed" | "development">): NodeKeys {
  const walletSeed = typeof seed === "string" ? seedOfWords(seed, passphrase) : checked(seed);
  const master = crypto().hmacSha512(new TextEncoder().encode("Bitcoin seed"), walletSeed);
  const keysSeed = master.slice(0, 32);
  if (crossNodeSeed !== undefined)
    return { walletSeed, keys: new PhantomKeysManager(keysSeed, crossNodeSeed) };
  const isFixed = development?.nodeKey !== undefined || development?.channelSecrets !== undefined;
  return { walletSeed, keys: isFixed ? new DeveloperKeys(keysSeed, development) : new KeysManager(keysSeed) };
}

/**
 * 32 bytes with which a store's values may be encrypted. They follow from the seed: who has it, in a file beside the
 * store for one, can read all.
 */
export function storeKey({ seed, passphrase }: Pick<NodeOptions, "seed" | "passphrase">): Uint8Array {
  const walletSeed = typeof seed === "string" ? seedOfWords(seed, passphrase) : checked(seed);
  return crypto().hmacSha512(new TextEncoder().encode("Fulmen store key"), walletSeed).slice(0, 32);
}

function checked(seed: Uint8Array): Uint8Array {
  if (seed instanceof Uint8Array && (seed.length === 32 || seed.length === 64)) return seed.slice();
  const what = seed instanceof Uint8Array ? `${seed.length} bytes` : typeof seed;
  throw new NodeError("invalid-seed", `the seed is ${what}: it must be 12 or 24 words, or 32 or 64 bytes`, {
    remedy: "make one with `generateSeedWords`, and keep it where nobody else finds it",
  });
}
