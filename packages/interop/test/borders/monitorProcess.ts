import { installNodeCrypto } from "@fulmen/crypto-node";
import { openSqliteStore } from "@fulmen/persist";
import { MonitorKeeper } from "./monitorKeeper.ts";
import type { FromMonitorProcess, MonitorProcessOptions, ToMonitorProcess } from "./monitorProtocol.ts";

// The monitors of one node in a process of their own. Answers take a few milliseconds each, and overtake each other
// where they concern different channels. The process dies with the one that started it.

/** Milliseconds. */
const longestDelay = 6;

installNodeCrypto();
const { seed, storePath, tip, diesAt }: MonitorProcessOptions = JSON.parse(process.argv[2] ?? "{}");

function say(message: FromMonitorProcess): void {
  process.send?.(message);
}

let commits = 0;
const keeper = await MonitorKeeper.start({
  seed,
  tip,
  store: await openSqliteStore(storePath),
  broadcaster: {
    broadcastTransactions: (transactions, type) => say({ kind: "broadcast", transactions, type }),
  },
  reply: (message) => say({ kind: "to-manager", message }),
  onCommit() {
    commits++;
    if (commits === diesAt) process.kill(process.pid, "SIGKILL");
  },
});

let isWelcomed = false;

async function take(message: ToMonitorProcess): Promise<void> {
  if (message.kind === "from-manager") {
    await keeper.receive(message.message);
    setTimeout(answer, Math.random() * longestDelay);
    return;
  }
  for (const block of message.blocks) if (block.height > keeper.tip.height) await keeper.block(block);
  if (isWelcomed) return;
  isWelcomed = true;
  await keeper.welcome();
}

function answer(): void {
  keeper.answer((channels) => Math.floor(Math.random() * channels));
}

process.on("message", (message) => void take(message as ToMonitorProcess));
process.on("disconnect", () => process.exit(0));
say({ kind: "want-blocks", tip: keeper.tip });
