import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { blockHash } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import { blockHeight, present } from "@fulmen/lightning/util";
import { SimulatedChain } from "@fulmen/testkit/chain";
import { type KnownHeader, keepHeaders, recallHeaders } from "#src/headers/index";

const { regtest, testnet } = networks;

/** The headers of so many blocks, from the first one on. */
function rowOf(count: number): KnownHeader[] {
  const chain = new SimulatedChain();
  chain.mine(count - 1);
  return Array.from({ length: count }, (_, height) => {
    const { block, hash } = present(chain.blockAt(height), "a block");
    return { header: block.header, hash, height: blockHeight(height) };
  });
}

function kept(row: readonly KnownHeader[], network = regtest): Uint8Array {
  return present(keepHeaders(row, network), "what was kept");
}

describe("headers that are kept", () => {
  it("are those that were given, the newest 2,100 of more", () => {
    const row = rowOf(2_150);
    assert.deepEqual(recallHeaders(kept(row.slice(0, 30)), regtest), row.slice(0, 30));
    assert.deepEqual(recallHeaders(kept(row.slice(7, 8)), regtest), row.slice(7, 8));
    assert.deepEqual(recallHeaders(kept(row), regtest), row.slice(50));
    assert.equal(kept(row).length, 37 + 80 * 2_100);
    assert.equal(keepHeaders([], regtest), undefined);
  });

  it("are refused when anything of them is another one's, or damaged", () => {
    const bytes = kept(rowOf(5));
    const refused = (bad: Uint8Array, network = regtest): void =>
      assert.throws(() => recallHeaders(bad, network), { code: "invalid-chain" });
    for (let at = 0; at < bytes.length; at++) {
      refused(bytes.with(at, (bytes[at] ?? 0) ^ 1));
      refused(bytes.subarray(0, at));
    }
    refused(bytes, testnet);
    refused(new Uint8Array(37 + 80 * 2_101));
  });

  it("are refused when they are no chain, though they were kept", () => {
    const row = rowOf(5);
    const [first, second, third] = row.map(({ header }) => header);
    const refused = (bad: readonly (typeof first)[], text: RegExp): void => {
      const headers = bad.map((each, i) => {
        const header = present(each, "a header");
        return { header, hash: blockHash(header), height: blockHeight(i) };
      });
      assert.throws(() => recallHeaders(kept(headers), regtest), { code: "invalid-chain", message: text });
    };
    refused([first, third], /does not follow/);
    refused([second && { ...second, bits: 0x1d00_ffff }], /no proof of work/);
  });
});
