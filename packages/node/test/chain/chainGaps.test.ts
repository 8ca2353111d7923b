import assert from "node:assert/strict";
import { it } from "node:test";
import { decodeAddress } from "@fulmen/bitcoin/address";
import { networks } from "@fulmen/bitcoin/network";
import { SimulatedChain } from "@fulmen/testkit/chain";
import { SimulatedChainSource } from "@fulmen/testkit/chainSource";
import { chainGaps } from "#src/chain/index";

it("what a chain source does not tell of is named by its address, and channels' outputs apart", () => {
  const source = new SimulatedChainSource(new SimulatedChain());
  assert.deepEqual(chainGaps(source, networks.regtest), []);
  const address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
  const script = decodeAddress(address, networks.regtest);
  const gaps = (["output", "wallet"] as const).map((use) => ({ script, use }));
  const warnings = chainGaps(Object.assign(source, { gaps }), networks.regtest);
  assert.deepEqual(
    warnings.map(({ code, text }) => [code, text.includes(address)]),
    [
      ["channel-not-watched", true],
      ["address-not-followed", true],
    ],
  );
});
