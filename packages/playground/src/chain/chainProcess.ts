import { rm } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type FeeratePerKw, feeratePerKw } from "@fulmen/lightning/util";
import { BitcoindServer } from "@fulmen/testkit/bitcoind";
import { HttpService } from "@fulmen/testkit/sockets";
import { createFundedChain } from "@fulmen/testkit/wallet";
import { serveParent } from "../rpc/parent.ts";
import { type ChainService, chainCredentials, chainService } from "./chainService.ts";

/*
 * The process that is the chain: regtest in memory, a faucet, and a port at which it is served as Bitcoin Core does.
 * Its only argument is the playground's temporary folder, which it removes at the end: the playground may have been
 * killed.
 */

/** What the playground may ask of this process. */
export type ChainProcess = ChainService & { port(): number };

/** Long enough for the nodes, which end at the same time, to let go of their files. */
const nodesEndMilliseconds = 500;

/** Regtest has no market for block space; what is urgent pays more all the same, so that it can be seen. */
function feerate(blocks: number): FeeratePerKw {
  return feeratePerKw(blocks <= 3 ? 1_500 : 500);
}

async function start(): Promise<ChainProcess> {
  installNodeCrypto();
  const { chain, faucet } = createFundedChain();
  const { user, password } = chainCredentials;
  const bitcoind = new BitcoindServer(chain, { credentials: `${user}:${password}`, hasRest: true, feerate });
  const { port } = await HttpService.listen((request, signal) => bitcoind.answer(request, signal));
  return { ...chainService(chain, faucet, () => bitcoind.update()), port: () => port };
}

const [, , folder = ""] = process.argv;
serveParent<ChainProcess>(start(), async () => {
  await setTimeout(nodesEndMilliseconds);
  if (folder !== "") await rm(folder, { recursive: true, force: true });
});
