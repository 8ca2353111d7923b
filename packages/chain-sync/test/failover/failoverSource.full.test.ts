import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { chainSourceConformance } from "@fulmen/testkit/conformance";
import { createFundedChain } from "@fulmen/testkit/wallet";
import { changesBetween, followings } from "./following.ts";
import { type Server, servedChains, sourceOf } from "./servedChains.ts";

installNodeCrypto();

describe("several chain sources as one, of other protocols", () => {
  changesBetween(followings(), [
    ["esplora", "bitcoind"],
    ["electrum", "bitcoind"],
    ["esplora", "electrum"],
    ["bitcoind", "esplora"],
  ]);
});

describe("a source that lies", () => {
  const following = followings();
  for (const lie of ["false-transactions", "no-work", "broken-chain"] as const) {
    it(`loses its place at once, and is not preferred to one that does not (${lie})`, async () => {
      const it = await following(["bitcoind", "electrum"]);
      await it.begin();
      it.server(0).lie(lie);
      const height = it.mine(2);
      await it.until("the blocks, from the second", () => it.height === height);
      assert.equal(it.follower.position()?.hash, it.server(1).chain.tip.hash);
      assert.ok(it.isBy(1));
      const other = await following(["electrum", "bitcoind"]);
      await other.begin();
      const before = other.height;
      other.server(1).lie(lie);
      other.mine(2, [1]);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      assert.equal(other.height, before);
      assert.equal(other.mine(1, [0]), before + 1);
      await other.until("a block of the first", () => other.height === before + 1);
      assert.equal(other.follower.position()?.hash, other.server(0).chain.tip.hash);
    });
  }
});

describe("the suite of chain sources", () => {
  chainSourceConformance(
    { describe, it },
    async () => {
      const { chain, faucet } = createFundedChain();
      const servers = await servedChains(["electrum", "bitcoind", "esplora"], chain);
      const each = (act: (server: Server) => Promise<void>) => async () => {
        for (const server of servers) await act(server);
      };
      return {
        ...{ chain, faucet },
        createSource: (network = "regtest") => sourceOf(servers, { network }),
        announce: () => {
          for (const server of servers) server.update();
        },
        interrupt: each((server) => server.close()),
        resume: each((server) => server.listen()),
        close: each((server) => server.close()),
      };
    },
    { canInterrupt: true },
  );
});
