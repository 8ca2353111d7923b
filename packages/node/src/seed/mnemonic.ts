import { pbkdf2Sync } from "node:crypto";
import { crypto } from "@fulmen/bitcoin/crypto";
import { NodeError } from "../api/nodeError.ts";
import { englishWords } from "./englishWords.ts";

const bitsPerWord = 11;
const lengths: readonly number[] = [12, 24];

/** The 64 bytes that words stand for (BIP 39). Throws `invalid-seed` that says which word is wrong, and never shows one. */
export function seedOfWords(text: string, passphrase = ""): Uint8Array {
  const words = text.normalize("NFKD").trim().toLowerCase().split(/\s+/);
  if (!lengths.includes(words.length)) {
    const message = `the seed has ${words.length} words: there must be 12 or 24`;
    throw new NodeError("invalid-seed", message, {
      remedy: "write down all words of the seed, in their order, with spaces between them",
      details: { words: words.length },
    });
  }
  const numbers = words.map((word, place) => numberOf(word, place));
  if (!hasChecksum(numbers)) {
    throw new NodeError("invalid-seed", "the checksum of the seed's words does not fit", {
      remedy: "compare the words with what was written down: one is wrong, or two changed places",
    });
  }
  const salt = `mnemonic${passphrase.normalize("NFKD")}`;
  return new Uint8Array(pbkdf2Sync(words.join(" "), salt, 2048, 64, "sha512"));
}

/** Words that stand for 16 or 32 random bytes. */
export function wordsOfEntropy(entropy: Uint8Array): string {
  const checksum = crypto().sha256(entropy)[0] ?? 0;
  const bits = [...entropy, checksum].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const words: string[] = [];
  for (let at = 0; at + bitsPerWord <= entropy.length * 8 + entropy.length / 4; at += bitsPerWord) {
    words.push(englishWords[Number.parseInt(bits.slice(at, at + bitsPerWord), 2)] ?? "");
  }
  return words.join(" ");
}

function numberOf(word: string, place: number): number {
  const number = englishWords.indexOf(word);
  if (number >= 0) return number;
  throw new NodeError("invalid-seed", `word ${place + 1} of the seed is none of the 2,048 words of BIP 39`, {
    remedy: "look it up in the list of English words: the first four letters tell each one apart",
    details: { place: place + 1 },
  });
}

function hasChecksum(numbers: readonly number[]): boolean {
  const bits = numbers.map((number) => number.toString(2).padStart(bitsPerWord, "0")).join("");
  const length = (bits.length * 32) / 33;
  const entropy = new Uint8Array(length / 8);
  for (const i of entropy.keys()) entropy[i] = Number.parseInt(bits.slice(8 * i, 8 * i + 8), 2);
  const hash = crypto().sha256(entropy)[0] ?? 0;
  return (
    bits.slice(length) ===
    hash
      .toString(2)
      .padStart(8, "0")
      .slice(0, length / 32)
  );
}
