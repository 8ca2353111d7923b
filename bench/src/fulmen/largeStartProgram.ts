import { readStoredRecords } from "@fulmen/background";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { restoreMonitors } from "@fulmen/lightning/storage";
import { openSqliteStore } from "@fulmen/persist/sqlite";
import type { LargeStart } from "../large.ts";
import { BenchNode } from "./benchNode.ts";

// Starts a node from its database. Its parameters: the database's path, the byte of its seed, the best block's height.
const [path = "", seedByte, height] = process.argv.slice(2);
installNodeCrypto();
const store = await openSqliteStore(path);
const { manager, monitors } = await readStoredRecords(store);
const restored = restoreMonitors(monitors);
if (!restored.ok) throw new Error(restored.error.text);
const node = new BenchNode({
  seedByte: Number(seedByte),
  height: Number(height),
  store,
  records: { manager, monitors: restored.value },
});
const started: LargeStart = {
  readyMs: performance.now(),
  mostBytes: process.resourceUsage().maxRSS * 1024,
  channels: node.manager.listChannels().length,
};
process.stdout.write(JSON.stringify(started));
await store.close();
