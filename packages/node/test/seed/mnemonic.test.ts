import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NodeError } from "@fulmen/node";
import { seedOfWords, wordsOfEntropy } from "#src/seed/mnemonic";

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Test vectors of BIP 39, with their passphrase. */
const vectors = [
  {
    entropy: "00000000000000000000000000000000",
    words: `${"abandon ".repeat(11)}about`,
    seed: "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04",
  },
  {
    entropy: "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    words: `${"zoo ".repeat(23)}vote`,
    seed: "dd48c104698c30cfe2b6142103248622fb7bb0ff692eebb00089b32d22484e1613912f0a5b694407be899ffd31ed3992c456cdf60f5d4564b8ba3f05a69890ad",
  },
];

describe("the words of a seed", () => {
  it("stand for the bytes that BIP 39 says", () => {
    for (const { entropy, words, seed } of vectors) {
      assert.equal(wordsOfEntropy(Buffer.from(entropy, "hex")), words);
      assert.equal(toHex(seedOfWords(words, "TREZOR")), seed);
    }
  });

  it("may have been typed with capitals and more spaces", () => {
    const [{ words, seed } = { words: "", seed: "" }] = vectors;
    assert.equal(toHex(seedOfWords(`  ${words.toUpperCase().replaceAll(" ", "\n ")} `, "TREZOR")), seed);
  });

  const refusals: readonly [string, string, RegExp][] = [
    ["eleven of them", "abandon ".repeat(11), /has 11 words: there must be 12 or 24/],
    ["one that is not in the list", `${"abandon ".repeat(10)}bitcoin about`, /^word 11 of the seed/],
    ["two that changed places", `about ${"abandon ".repeat(11)}`, /checksum/],
    ["none", "", /has 1 words/],
  ];
  for (const [name, words, message] of refusals) {
    it(`are refused without showing any: ${name}`, () => {
      assert.throws(
        () => seedOfWords(words),
        (error) =>
          error instanceof NodeError &&
          error.code === "invalid-seed" &&
          message.test(error.message) &&
          !/abandon|about|bitcoin/.test(error.message.replace("of the seed", "")),
      );
    });
  }
});
