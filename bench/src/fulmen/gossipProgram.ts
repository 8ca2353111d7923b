import { GossipVerifier } from "@fulmen/background";
import { networks } from "@fulmen/bitcoin/network";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { VerifyPool } from "@fulmen/crypto-node/verifyPool";
import { NetworkGraph, P2PGossipSync } from "@fulmen/lightning/gossip";
import { isGossipMessage } from "@fulmen/lightning/handlers";
import { type NodeId, noBytes, type UnixSeconds } from "@fulmen/lightning/util";
import { decodeMessage, Features } from "@fulmen/lightning/wire";
import { signedNetwork } from "@fulmen/testkit/gossip";
import { type GossipTaker, takeNetwork } from "../gossip/gossipMeasurement.ts";
import { takeTurns } from "../side.ts";

// Our side of the gossip benchmark. Its parameters: the number of channels, seconds since 1970, and the threads that
// verify; without any, this one does.
installNodeCrypto();
const [channels = "0", seconds = "0", threads = "0"] = process.argv.slice(2);
const now = Number(seconds) as UnixSeconds;
const network = signedNetwork(Number(channels), now);
const pool = Number(threads) === 0 ? undefined : new VerifyPool({ threads: Number(threads) });
const peer = `02${"ee".repeat(32)}` as NodeId;

await takeTurns(() => takeNetwork(network, taker()));
await pool?.close();

function taker(): GossipTaker {
  const graph = new NetworkGraph({ chainHash: networks.regtest.genesisHash });
  const sync = new P2PGossipSync({ graph, now, verification: pool === undefined ? "at-once" : "queued" });
  const init = {
    type: "init",
    globalfeatures: noBytes,
    features: Features.none.toBytes(),
    tlvs: {},
  } as const;
  sync.peerConnected(peer, { init, inbound: false, epoch: 1 });
  let wake = (): void => {};
  const verifier = pool && new GossipVerifier({ gossip: sync, verifier: pool, progressed: () => wake() });
  return {
    async take(messages) {
      for (const [i, bytes] of messages.entries()) {
        const message = decodeMessage(bytes);
        if (isGossipMessage(message)) sync.handleMessage(peer, message);
        // As after each piece that came from a socket.
        if (i % 100 !== 99 && i !== messages.length - 1) continue;
        sync.takeMessageSendEvents();
        verifier?.pump();
        while (sync.wantsToPause(peer) || (verifier?.isBusy === true && i === messages.length - 1)) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
      sync.takeMessageSendEvents();
    },
    counts() {
      let nodes = 0;
      for (const { announcement } of graph.nodes()) if (announcement !== undefined) nodes++;
      let complete = 0;
      for (const { oneToTwo, twoToOne } of graph.channels()) if (oneToTwo && twoToOne) complete++;
      return { channels: complete, nodes };
    },
  };
}
