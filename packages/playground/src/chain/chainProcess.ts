import { rm } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { createFundedChain } from "@fulmen/testkit/wallet";
import { serveParent } from "../rpc/parent.ts";
import { listen } from "../rpc/tcp.ts";
import { type ChainService, chainService } from "./chainService.ts";

/*
 * The process that is the chain: regtest in memory, a faucet, and a port at which nodes ask for blocks. Its only
 * argument is the playground's temporary folder, which it removes at the end: the playground may have been killed.
 */

/** What the playground may ask of this process. */
export type ChainProcess = ChainService & { port(): number };

/** Long enough for the nodes, which end at the same time, to let go of their files. */
const nodesEndMilliseconds = 500;

async function start(): Promise<ChainProcess> {
  installNodeCrypto();
  const { chain, faucet } = createFundedChain();
  const service = chainService(chain, faucet);
  const { port } = await listen(service);
  return { ...service, port: () => port };
}

const [, , folder = ""] = process.argv;
serveParent<ChainProcess>(start(), async () => {
  await setTimeout(nodesEndMilliseconds);
  if (folder !== "") await rm(folder, { recursive: true, force: true });
});
