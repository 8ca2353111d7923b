import { buildBenchNode } from "./benchNode.ts";
import { loadLdk } from "./loadLdk.ts";

// The smallest program with an LDK node; `startup.ts` bundles it and runs it many times.
await loadLdk();
const node = buildBenchNode(1, Math.floor(Date.now() / 1000));
const measured = { readyMs: performance.now(), rssBytes: process.memoryUsage.rss() };
process.stdout.write(JSON.stringify({ ...measured, peers: node.peers.list_peers().length }));
