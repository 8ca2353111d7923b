import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BlockHeader, blockHash, type MerkleRoot } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import type { BlockHash } from "@fulmen/bitcoin/primitives";
import { TransactionSync, WatchList } from "@fulmen/chain-sync/transactions";
import { blockHeight } from "@fulmen/lightning/util";
import { createFundedChain } from "@fulmen/testkit/wallet";
import { locateBlock } from "#src/transactions/locateBlock";
import { RecordingFollower } from "./recordingFollower.ts";
import { SimulatedClient } from "./simulatedClient.ts";

/** The first block of mainnet: it has its proof of work, and nothing is as cheap today. */
const genesis: BlockHeader = {
  version: 1,
  previous: "00".repeat(32) as BlockHash,
  merkleRoot: "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b" as MerkleRoot,
  time: 1_231_006_505,
  bits: 0x1d00_ffff,
  nonce: 2_083_236_893,
};

/** A server of which the last block is the first one of mainnet, at a height of its choice. */
class CheapClient extends SimulatedClient {
  readonly height: number;

  constructor(height: number) {
    super(createFundedChain().chain);
    this.height = height;
  }

  override async tip() {
    return { header: genesis, height: blockHeight(this.height) };
  }

  override async headers() {
    return [genesis];
  }
}

describe("a server that makes up a chain", () => {
  it("is not believed where its blocks cost next to nothing, though nothing better is known", async () => {
    assert.equal(blockHash(genesis), networks.mainnet.genesisHash);
    for (const [height, code] of [
      [900_000, "invalid-chain"],
      [700_000, "not-synced"],
    ] as const) {
      const client = new CheapClient(height);
      const sync = new TransactionSync({
        client,
        network: networks.mainnet,
        watch: new WatchList(),
        retryDelay: 1,
      });
      const follower = new RecordingFollower();
      await assert.rejects(sync.sync({ followers: [follower], mempool: [], scripts: [] }), { code });
      assert.deepEqual(follower.lines, []);
    }
    const client = new CheapClient(900_000);
    await assert.rejects(locateBlock(client, networks.mainnet, blockHeight(900_000)), {
      code: "invalid-chain",
    });
  });

  it("is not believed that blocks are higher than they are, after a week as after a minute", async () => {
    for (const [passed, shift] of [
      [3, 1],
      [150, 400],
      [300, 50],
    ] as const) {
      const { chain } = createFundedChain();
      const follower = new RecordingFollower(chain.locator());
      const known = chain.tip.height;
      chain.mine(passed);
      const client = new SimulatedClient(chain);
      const { tip, headers } = client;
      // All that the follower knows is where it was; above, there is a hole that nobody was told of.
      client.tip = async () => {
        const { header, height } = await tip.call(client);
        return { header, height: blockHeight(height + shift) };
      };
      client.headers = async (from, count) =>
        from > known + shift ? headers.call(client, from - shift, count) : headers.call(client, from, count);
      const sync = new TransactionSync({
        client,
        network: networks.regtest,
        watch: new WatchList(),
        retryDelay: 1,
      });
      await assert.rejects(
        sync.sync({ followers: [follower], mempool: [], scripts: [] }),
        { code: /^invalid-(chain|answer)$/ },
        `${passed} blocks, raised by ${shift}`,
      );
      assert.deepEqual(follower.lines, []);
    }
  });
});
