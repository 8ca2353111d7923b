import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BlockHeader, blockHash, hasProofOfWork } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import { type BlockHeight, blockHeight, present } from "@fulmen/lightning/util";
import { regtestGenesis, SimulatedChain } from "@fulmen/testkit/chain";
import { CheckedHeaders, type KnownHeader, workOf } from "#src/headers/index";

const regtest = networks.regtest;

/** The headers of a chain of so many blocks, checked. */
function followed(count: number, capacity?: number): { headers: CheckedHeaders; tip: KnownHeader } {
  const chain = new SimulatedChain();
  chain.mine(count);
  const headers = new CheckedHeaders(regtest, capacity);
  let tip = headers.trust(regtestGenesis.header, regtest.genesisHash, blockHeight(0));
  for (let height = 1; height <= count; height++) {
    tip = headers.extend(tip, present(chain.blockAt(height), "a block").block.header);
  }
  return { headers, tip };
}

/** A header on top of another one, with work or without. */
function mined(previous: KnownHeader, change: Partial<BlockHeader> = {}, hasWork = true): BlockHeader {
  const { header } = previous;
  const next = { ...header, previous: previous.hash, time: header.time + 600, ...change };
  for (let nonce = 0; ; nonce++) {
    const candidate = { ...next, nonce };
    if (hasProofOfWork(candidate, regtest) === hasWork) return candidate;
  }
}

describe("headers that were checked", () => {
  it("are those of a chain, and know what is before them", () => {
    const { headers, tip } = followed(30);
    assert.equal(tip.height, 30);
    assert.equal(headers.get(tip.hash), tip);
    assert.equal(headers.before(tip, 0), tip);
    assert.equal(headers.before(tip, 1)?.hash, tip.header.previous);
    assert.equal(headers.before(tip, 30)?.hash, regtest.genesisHash);
    assert.equal(headers.before(tip, 31), undefined);
    assert.equal(
      headers.extend(present(headers.before(tip, 1), "it"), tip.header),
      tip,
      "the same once more",
    );
  });

  it("refuse what cannot be", () => {
    const { headers, tip } = followed(12);
    const parent = present(headers.before(tip, 1), "the parent");
    const lastTimes = Array.from({ length: 11 }, (_, i) => present(headers.before(tip, i), "it").header.time);
    const median = present(lastTimes[5], "the median");
    const refused = (header: BlockHeader, text: RegExp): void =>
      assert.throws(() => headers.extend(tip, header), { code: "invalid-chain", message: text });
    refused(mined(parent, { time: tip.header.time + 1 }), /does not follow/);
    refused(mined(tip, {}, false), /no proof of work/);
    refused(mined(tip, { bits: 0x2100_ffff }, false), /no proof of work/);
    refused(mined(tip, { bits: 0x207f_fffe }), /its target is 207ffffe/);
    refused(mined(tip, { time: median }), /median/);
    assert.equal(headers.extend(tip, mined(tip, { time: median + 1 })).height, 13);
  });

  it("begin where the hash is known from before", () => {
    const { headers, tip } = followed(2);
    const other = new CheckedHeaders(regtest);
    assert.throws(() => other.trust(mined(tip), tip.hash, tip.height), { code: "invalid-chain" });
    const from = other.trust(tip.header, tip.hash, tip.height);
    assert.equal(
      other.extend(from, mined(tip)).height,
      headers.extend(tip, mined(tip)).height as BlockHeight,
    );
  });

  it("are forgotten, the oldest first", () => {
    const { headers, tip } = followed(2_200, 2_100);
    assert.equal(headers.size, 2_100);
    assert.equal(headers.before(tip, 2_099)?.height, 101);
    assert.equal(headers.before(tip, 2_100), undefined);
    assert.equal(headers.get(regtest.genesisHash), undefined);
  });

  it("have work", () => {
    const { tip } = followed(1);
    assert.equal(workOf([tip.header, tip.header]), 4n);
    assert.equal(blockHash(tip.header), tip.hash);
  });
});
