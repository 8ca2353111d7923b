import { existsSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { ClientError } from "@fulmen/client";
import { exitCodes } from "../cliError.ts";
import { type CommonOptions, connect } from "../commands/connection.ts";
import { daemonConfig } from "../config/daemonConfig.ts";
import { readConfig } from "../config/readConfig.ts";
import { type DataFolder, dataFolder } from "../daemon/dataFolder.ts";
import { runningProcess } from "../daemon/lock.ts";
import { withGroupedAmounts } from "../output/amounts.ts";
import { oneLine, say, sentence } from "../output/terminal.ts";
import { type Examined, examine } from "./checks.ts";

const marks = { good: "ok  ", note: "note", wrong: "!!  " } as const;

/** `fulmen doctor`: what is well, what is not, and what to do; exit code 1 when something is wrong. */
export async function doctor(options: CommonOptions): Promise<void> {
  const folder = dataFolder(options.dataDir);
  const store = storeFolder(folder);
  const { bavail, bsize } = statfsSync(store ?? (existsSync(folder.path) ? folder.path : "."));
  const seed = statSync(folder.seed, { throwIfNoEntry: false });
  const backupDisk = backupDiskOf(folder, store);
  const node = await askNode(options);
  const findings = examine({
    node,
    ...ownProcess(options, folder),
    ...("error" in node && (await lookAtChain(options, folder))),
    now: Math.floor(Date.now() / 1000),
    diskFree: bavail * bsize,
    ...(backupDisk !== undefined && { backupDisk }),
    ...(seed !== undefined && process.platform !== "win32" && { seedMode: seed.mode & 0o777 }),
  });
  if (options.json === true) say(JSON.stringify(findings, undefined, 2));
  else
    for (const { level, what, remedy } of findings) {
      say(`${marks[level]} ${oneLine(withGroupedAmounts(what), 300)}`);
      if (remedy !== undefined) say(`     ${oneLine(sentence(withGroupedAmounts(remedy)), 300)}`);
    }
  if (findings.some(({ level }) => level === "wrong")) process.exitCode = exitCodes.failed;
}

/** Whether the folder's node runs, and whether it may be a stand-by; nothing of a node elsewhere. */
function ownProcess(
  { url = process.env["FULMEN_URL"] }: CommonOptions,
  folder: DataFolder,
): Pick<Examined, "process"> {
  if (url !== undefined || !existsSync(folder.config)) return {};
  if (runningProcess(folder.lock) === undefined) return { process: "none" };
  const { storage } = daemonConfig(readConfig(folder.config, process.env));
  return { process: storage.kind === "postgres" ? "with a lease" : "alone" };
}

/** Where the store is, on a disk of this machine. */
function storeFolder(folder: DataFolder): string | undefined {
  if (!existsSync(folder.config)) return undefined;
  const { storage } = daemonConfig(readConfig(folder.config, process.env));
  if (storage.kind === "postgres") return undefined;
  const parent = dirname(storage.path ?? folder.sqlite);
  return existsSync(parent) ? parent : undefined;
}

/** Whether a disk that fails takes store and backup at once. */
function backupDiskOf(folder: DataFolder, store: string | undefined): Examined["backupDisk"] {
  if (store === undefined) return undefined;
  const { backupFiles = [folder.backup] } = daemonConfig(readConfig(folder.config, process.env));
  if (backupFiles.length === 0) return undefined;
  const { dev } = statSync(store);
  const isElsewhere = backupFiles.some((path) => statSync(path, { throwIfNoEntry: false })?.dev !== dev);
  return isElsewhere ? "another" : "the store's";
}

/** The node of this machine does not answer: the chain source is asked in its place. */
async function lookAtChain(
  { url = process.env["FULMEN_URL"] }: CommonOptions,
  folder: DataFolder,
): Promise<Pick<Examined, "chains" | "network">> {
  if (url !== undefined || !existsSync(folder.config)) return {};
  const config = daemonConfig(readConfig(folder.config, process.env));
  const { lookAtChains } = await import("@fulmen/node");
  return { network: config.network, chains: await lookAtChains(config) };
}

async function askNode(options: CommonOptions): Promise<Examined["node"]> {
  const client = connect(options);
  try {
    const [info, balances, channels] = await Promise.all([
      client.info(),
      client.balances(),
      client.channels(),
    ]);
    return { info, balances, channels };
  } catch (error) {
    if (error instanceof ClientError) return { error };
    throw error;
  }
}
