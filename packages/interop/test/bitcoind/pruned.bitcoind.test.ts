import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ChainSourceError } from "@fulmen/chain-sync";
import { BitcoindSource, cookieFile } from "@fulmen/chain-sync/bitcoind";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { BlockLocator } from "@fulmen/lightning/chain";
import { blockHeight, shortChannelId } from "@fulmen/lightning/util";
import { BitcoindChain, BlockingBitcoind } from "#src/bitcoind/index";

installNodeCrypto();

describe("a Bitcoin Core that is pruned", () => {
  let node: BlockingBitcoind;
  let chain: BitcoindChain;
  let lowest: number;

  before(async () => {
    // Small files, so that there is something to prune.
    node = await BlockingBitcoind.start(["-rest", "-prune=1", "-fastprune"]);
    chain = new BitcoindChain(node);
    chain.mine(900);
    lowest = Number(node.call("pruneblockchain" as never, ...([600] as never))) + 1;
  });

  after(() => chain.stop());

  for (const rest of [false, true]) {
    it(`says which block it lacks, by ${rest ? "REST" : "RPC"}`, async () => {
      const url = `http://127.0.0.1:${node.rpcPort}`;
      const source = new BitcoindSource({
        network: "regtest",
        authentication: cookieFile(node.cookieFile),
        url,
        rest,
      });
      await source.start();
      const syncFrom = (position: BlockLocator): Promise<unknown> => {
        const followers = [{ position: () => position, listeners: [] }];
        return source.sync({ followers, mempool: [], scripts: [] });
      };
      const error = await syncFrom(await source.locate(blockHeight(10))).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof ChainSourceError, String(error));
      assert.equal(error.code, "pruned", error.message);
      const text = new RegExp(
        `block 11 is needed, and bitcoind has pruned it: it has blocks from ${lowest} on$`,
      );
      assert.match(error.message, text);
      await assert.rejects(source.utxo(shortChannelId({ height: 10, txIndex: 0, outputIndex: 0 })), {
        code: "pruned",
      });
      const tip = await syncFrom(await source.locate(blockHeight(lowest - 1)));
      assert.deepEqual(tip, { hash: chain.tip.hash, height: chain.tip.height });
      await source.stop();
    });
  }
});
