import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { NodeError } from "@fulmen/node";
import { parsePayment } from "#src/paying/index";

/** BOLT 11, "Please make a donation of any amount", and "1 cup coffee" for 2,500 microbitcoins. */
const donation =
  "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql";
const coffee =
  "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";
const address = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";

const parsed = (text: string) => parsePayment(text, networks.mainnet);

function refusal(text: string): string {
  try {
    parsed(text);
  } catch (error) {
    if (error instanceof NodeError) return error.code;
    throw error;
  }
  return "nothing was thrown";
}

describe("parsePayment", () => {
  it("an invoice, with and without the scheme, in both cases", () => {
    for (const text of [coffee, `lightning:${coffee}`, `LIGHTNING:${coffee.toUpperCase()}`, ` ${coffee}\n`]) {
      const { methods, amount } = parsed(text);
      assert.deepEqual(
        methods.map(({ kind }) => kind),
        ["bolt11"],
      );
      assert.equal(amount, 250_000_000n);
    }
    assert.equal(parsed(donation).amount, undefined);
  });

  it("an address", () => {
    const { methods } = parsed(address);
    assert.deepEqual(
      methods.map(({ kind }) => kind),
      ["onchain"],
    );
  });

  it("a URI offers what it has, Lightning first", () => {
    const uri = `bitcoin:${address}?amount=0.00250000&label=a%20shop&lightning=${coffee}`;
    const { methods, amount, onchainAmount, label } = parsed(uri);
    assert.deepEqual(
      methods.map(({ kind }) => kind),
      ["bolt11", "onchain"],
    );
    assert.deepEqual([amount, onchainAmount, label], [250_000_000n, 250_000n, "a shop"]);
    assert.equal(parsed(`bitcoin:?lightning=${donation}&amount=0.5`).amount, 50_000_000_000n);
  });

  it("refuses what cannot be paid, each by its code", () => {
    const invalid = [
      "",
      "hello",
      coffee.slice(0, -1),
      `${address}x`,
      "bitcoin:",
      "bitcoin:?amount=1",
      `bitcoin:${address}?amount=1e3`,
      `bitcoin:${address}?amount=21000001`,
      `bitcoin:${address}?amount=0.123456789`,
      `bitcoin:${address}?amount=1&amount=2`,
      `bitcoin:${address}?req-somethingnew=1`,
      `bitcoin:${address}?label=%zz`,
      "x".repeat(20_001),
    ];
    for (const text of invalid) assert.equal(refusal(text), "invalid-destination", text.slice(0, 80));
    for (const text of [
      "lno1pg257enxv4ezqcneype82um50ynhxgrwdajx283qfwdpl28qqmc78ymlvhmxcsywdk5wrjnj36jryg488qwlrnzyjczs",
      "satoshi@example.com",
      "₿satoshi@example.com",
      "LNURL1DP68GURN8GHJ7",
    ]) {
      assert.equal(refusal(text), "unsupported-destination", text);
    }
  });
});
