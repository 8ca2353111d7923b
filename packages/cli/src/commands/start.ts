import { exitCodes } from "../cliError.ts";
import { type DaemonConfig, daemonConfig } from "../config/daemonConfig.ts";
import { readConfig } from "../config/readConfig.ts";
import { type DataFolder, dataFolder } from "../daemon/dataFolder.ts";
import { takeLock } from "../daemon/lock.ts";
import { keptRestoreSource, restoreIsDone, restoreSource } from "../daemon/restoreSource.ts";
import { readSeed } from "../daemon/seedFile.ts";
import { seedPassphrase } from "../output/passphrase.ts";
import { ProgressBar, say } from "../output/terminal.ts";

/** What `fulmen start` is told. */
interface StartOptions {
  readonly dataDir?: string;
  /** A file with a static channel backup. */
  readonly restoreFrom?: string;
  /** Peers that keep one. */
  readonly restoreFromPeers?: string;
}

/** `fulmen start`: the daemon in the foreground, until a signal ends it. */
export async function start({ dataDir, restoreFrom, restoreFromPeers }: StartOptions): Promise<void> {
  const folder = dataFolder(dataDir);
  const config = daemonConfig(readConfig(folder.config, process.env));
  const lock = takeLock(folder.lock);
  try {
    const named = restoreSource({
      ...(restoreFrom !== undefined && { backup: restoreFrom }),
      ...(restoreFromPeers !== undefined && { peers: restoreFromPeers }),
    });
    await startWith(folder, config, named ?? keptRestoreSource(folder));
  } finally {
    lock.release();
  }
}

async function startWith(
  folder: DataFolder,
  config: DaemonConfig,
  restoreFrom: ReturnType<typeof restoreSource>,
): Promise<void> {
  const seed = await readSeed(folder.seed, seedPassphrase);
  const ended = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // The second time somebody means it: what is committed is safe.
      if (ended.signal.aborted) process.exit(exitCodes.failed);
      ended.abort();
    });
  }
  // Loaded only now: what is wrong with config and seed is said at once.
  const { runDaemon } = await import("../daemon/runDaemon.ts");
  const bar = new ProgressBar("Blocks");
  await runDaemon({
    folder,
    config,
    seed,
    ...(restoreFrom !== undefined && { restoreFrom }),
    started: () => restoreIsDone(folder),
    signal: ended.signal,
    say: (line) => {
      bar.end();
      say(line);
    },
    progress: (height, tip) => bar.show(height, tip),
  });
  say("Stopped.");
}
