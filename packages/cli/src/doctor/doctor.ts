import { existsSync, statfsSync, statSync } from "node:fs";
import { ClientError } from "@fulmen/client";
import { exitCodes } from "../cliError.ts";
import { type CommonOptions, connect } from "../commands/connection.ts";
import { daemonConfig } from "../config/daemonConfig.ts";
import { readConfig } from "../config/readConfig.ts";
import { type DataFolder, dataFolder } from "../daemon/dataFolder.ts";
import { withGroupedAmounts } from "../output/amounts.ts";
import { oneLine, say } from "../output/terminal.ts";
import { type Examined, examine } from "./checks.ts";

const marks = { good: "ok  ", note: "note", wrong: "!!  " } as const;

/** `fulmen doctor`: what is well, what is not, and what to do; exit code 1 when something is wrong. */
export async function doctor(options: CommonOptions): Promise<void> {
  const folder = dataFolder(options.dataDir);
  const place = existsSync(folder.path) ? folder.path : ".";
  const { bavail, bsize } = statfsSync(place);
  const seed = statSync(folder.seed, { throwIfNoEntry: false });
  const backupDisk = backupDiskOf(folder);
  const node = await askNode(options);
  const findings = examine({
    node,
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
      if (remedy !== undefined) say(`     ${oneLine(withGroupedAmounts(remedy), 300)}`);
    }
  if (findings.some(({ level }) => level === "wrong")) process.exitCode = exitCodes.failed;
}

/** Whether a disk that fails takes store and backup at once. */
function backupDiskOf(folder: DataFolder): Examined["backupDisk"] {
  if (!existsSync(folder.config)) return undefined;
  const { storage, backupFiles = [folder.backup] } = daemonConfig(readConfig(folder.config, process.env));
  if (storage.kind === "postgres" || backupFiles.length === 0) return undefined;
  const { dev } = statSync(folder.path);
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
