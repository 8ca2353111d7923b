import { installNodeCrypto } from "@fulmen/crypto-node";
import { BenchNode } from "./benchNode.ts";

// The smallest program with a node of ours; `startup.ts` bundles it and runs it many times.
installNodeCrypto();
const node = new BenchNode({ seedByte: 1, height: 0 });
const measured = { readyMs: performance.now(), rssBytes: process.memoryUsage.rss() };
process.stdout.write(JSON.stringify({ ...measured, peers: node.peers.listPeers().length }));
