import { entropyToMnemonic, mnemonicToSeedSync, validateMnemonic } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { NodeError } from "../api/nodeError.ts";

const lengths: readonly number[] = [12, 24];

/**
 * The 64 bytes that words stand for (BIP 39). Throws `invalid-seed` that says which word is wrong, and never shows one.
 */
export function seedOfWords(text: string, passphrase = ""): Uint8Array {
  const words = text.normalize("NFKD").trim().toLowerCase().split(/\s+/);
  if (!lengths.includes(words.length)) {
    const message = `the seed has ${words.length} words: there must be 12 or 24`;
    throw new NodeError("invalid-seed", message, {
      remedy: "write down all words of the seed, in their order, with spaces between them",
      details: { words: words.length },
    });
  }
  const unknown = words.findIndex((word) => !wordlist.includes(word));
  if (unknown >= 0) {
    const message = `word ${unknown + 1} of the seed is none of the 2,048 words of BIP 39`;
    throw new NodeError("invalid-seed", message, {
      remedy: "look it up in the list of English words: the first four letters tell each one apart",
      details: { place: unknown + 1 },
    });
  }
  const mnemonic = words.join(" ");
  if (!validateMnemonic(mnemonic, wordlist)) {
    throw new NodeError("invalid-seed", "the checksum of the seed's words does not fit", {
      remedy: "compare the words with what was written down: one is wrong, or two changed places",
    });
  }
  return mnemonicToSeedSync(mnemonic, passphrase);
}

/** Words that stand for 16 or 32 random bytes. */
export function wordsOfEntropy(entropy: Uint8Array): string {
  return entropyToMnemonic(entropy, wordlist);
}
