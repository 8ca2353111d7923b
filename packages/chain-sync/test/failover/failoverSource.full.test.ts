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
