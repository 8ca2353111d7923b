import type { BlockHash } from "@fulmen/lightning/util";
import { ChainSourceError } from "../chainSourceError.ts";
import { fieldOf, type RpcClient, RpcRefusal } from "./rpcClient.ts";

/** Peers that are asked for a block. */
const mostPeers = 3;
const pollMilliseconds = 250;

/** Blocks that a pruned node has no more: its peers may. */
export class PrunedBlocks {
  readonly #rpc: RpcClient;
  readonly #waitSeconds: number;

  constructor(rpc: RpcClient, waitSeconds: number) {
    this.#rpc = rpc;
    this.#waitSeconds = waitSeconds;
  }

  /** Has the node fetch the block from a peer, and waits until `tryAgain` gives it; throws `pruned` in the end. */
  async recover(
    hash: BlockHash,
    height: number,
    tryAgain: () => Promise<Uint8Array | undefined>,
  ): Promise<Uint8Array> {
    const asked = await this.#askPeers(hash);
    const deadline = performance.now() + (asked === 0 ? 0 : this.#waitSeconds * 1_000);
    while (performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
      const bytes = await tryAgain();
      if (bytes !== undefined) return bytes;
    }
    throw await this.#prunedError(height, asked);
  }

  async #askPeers(hash: BlockHash): Promise<number> {
    const peers = await this.#rpc.call("getpeerinfo").catch(unlessRefused);
    if (!Array.isArray(peers)) return 0;
    const archives = peers.filter((peer: unknown) => {
      const services = fieldOf(peer, "servicesnames");
      return Array.isArray(services) && services.includes("NETWORK");
    });
    let asked = 0;
    for (const peer of archives.slice(0, mostPeers)) {
      const answer = await this.#rpc
        .call("getblockfrompeer", [hash, fieldOf(peer, "id")])
        .catch(unlessRefused);
      if (answer !== undefined) asked++;
    }
    return asked;
  }

  async #prunedError(height: number, asked: number): Promise<ChainSourceError> {
    const lowest = fieldOf(await this.#rpc.call("getblockchaininfo").catch(unlessRefused), "pruneheight");
    const from = typeof lowest === "number" ? `: it has blocks from ${lowest} on` : "";
    const peers = asked === 0 ? "" : `; ${asked} of its peers did not give it within ${this.#waitSeconds} s`;
    return new ChainSourceError(
      "pruned",
      `block ${height} is needed, and bitcoind has pruned it${from}${peers}`,
      `connect to a bitcoind that has block ${height}, or set prune=0 (or as many MB as the blocks from ${height} on take) in bitcoin.conf and start it once with -reindex`,
    );
  }
}

/** An older node does not have the method; what else goes wrong is no matter of it. */
function unlessRefused(error: unknown): undefined {
  if (!(error instanceof RpcRefusal)) throw error;
}
