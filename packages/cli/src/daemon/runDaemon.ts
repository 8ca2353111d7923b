import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dashboardFiles } from "@fulmen/dashboard";
import { Node, type NodeApi, type NodeOptions } from "@fulmen/node";
import {
  type Asset,
  createApp,
  type Listening,
  Log,
  LogFile,
  listen,
  PaymentKeys,
  ServerError,
  TokenFile,
} from "@fulmen/server";
import { CliError, exitCodes } from "../cliError.ts";
import type { DaemonConfig } from "../config/daemonConfig.ts";
import { ownVersion } from "../version.ts";
import type { DataFolder } from "./dataFolder.ts";
import { Leftovers } from "./leftovers.ts";
import { openNodeStore } from "./nodeStore.ts";

/** What a daemon is started with. */
export interface DaemonOptions {
  readonly folder: DataFolder;
  readonly config: DaemonConfig;
  readonly seed: string;
  /** For an empty store. */
  readonly restoreFrom?: NodeOptions["restoreFrom"];
  /** The node has started: what it was restored from is not needed any more. */
  readonly started?: () => void;
  /** Ends the daemon. */
  readonly signal: AbortSignal;
  /** Told what happens, a line each. */
  readonly say: (line: string) => void;
  /** Told how far a long sync has come. */
  readonly progress: (height: number, tip: number) => void;
}

/** Runs a node with its HTTP API until `signal` ends it; rejects when it cannot start, or fails for good. */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { folder, config, seed, say, signal } = options;
  const file = new LogFile(
    folder.log,
    config.log.console ? (line) => void process.stdout.write(line) : undefined,
  );
  const log = new Log(config.log.level, file);
  let store: Awaited<ReturnType<typeof openNodeStore>> | undefined;
  try {
    store = await openNodeStore({ folder, seed, storage: config.storage, waiting: { signal, say } });
    const node = new Node(nodeOptions(options, store, log));
    const assets = await pageOf(config.api.dashboard, log);
    const listening = await listenTo(node, options, { log, assets });
    log.write("info", "daemon", `Fulmen ${ownVersion()} begins.`, { network: config.network });
    say(`API at ${listening.url}`);
    if (assets.size > 0) say(`Dashboard at ${dashboardLink(listening.url, folder)}`);
    try {
      await runNode(node, options);
    } finally {
      await listening.close();
      await node.stop();
      log.write("info", "daemon", "Fulmen ends.");
    }
  } catch (error) {
    log.write("error", "daemon", error instanceof Error ? (error.stack ?? error.message) : String(error));
    throw error;
  } finally {
    // The node has closed it already, if it was ever started.
    await store?.close();
    file.close();
  }
}

async function runNode(node: Node, { signal, say, progress, started }: DaemonOptions): Promise<void> {
  const starting = node.start();
  let hasStarted = false;
  starting.then(
    () => {
      hasStarted = true;
    },
    () => undefined,
  );
  while (!hasStarted && !signal.aborted) {
    await Promise.race([starting, pause(250, signal)]);
    const { height, tip } = node.status().chain;
    if (!hasStarted && tip > 0) progress(height, tip);
  }
  if (hasStarted) started?.();
  if (signal.aborted) return;
  const { uri, listening } = node.status();
  say(`Node ${uri ?? node.nodeId}${listening === undefined ? ", which nobody can connect to" : ""}`);
  say("Ready.");
  const leftovers = new Leftovers();
  while (!signal.aborted) {
    await pause(1000, signal);
    leftovers.look();
    if (node.phase === "failed")
      throw new CliError(
        "node-failed",
        exitCodes.store,
        node.failure ?? "The node failed.",
        "See `fulmen logs`, mend what it says, and start the node again: it goes on from its store.",
      );
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}

function nodeOptions(
  { folder, config, seed, restoreFrom }: DaemonOptions,
  storage: NodeOptions["storage"],
  log: Log,
): NodeOptions {
  const { network, chain, furtherChains, alias, listen, birthday, gossip, announceAddresses, development } =
    config;
  return {
    network,
    seed,
    storage,
    chain,
    furtherChains,
    gossip,
    logger: log,
    ...(alias !== undefined && { alias }),
    ...(config.maxFeerate !== undefined && { maxFeerate: config.maxFeerate }),
    ...(config.forwardsToPrivateChannels && { config: { acceptForwardsToPrivChannels: true } }),
    ...(listen !== undefined && { listen }),
    ...(config.inboundChannels !== undefined && { inboundChannels: config.inboundChannels }),
    ...(config.tor !== undefined && { tor: config.tor }),
    ...(announceAddresses.length > 0 && { announceAddresses }),
    backupFiles: backupFiles(folder, config),
    ...(restoreFrom !== undefined && { restoreFrom }),
    ...(birthday !== undefined && { birthday }),
    ...(development !== undefined && { development }),
  };
}

/** What is served at `/`: the folder that the config names, or the dashboard that comes with Fulmen. */
async function pageOf(folder: string | undefined, log: Log): Promise<ReadonlyMap<string, Asset>> {
  if (folder !== undefined) return readAssets(folder);
  try {
    return await dashboardFiles();
  } catch (error) {
    log.write("warn", "daemon", `There is no dashboard: ${error instanceof Error ? error.message : error}`);
    return new Map();
  }
}

/** Opens the dashboard without asking for a token, where only the user at the terminal reads it, and no log. */
function dashboardLink(url: string, folder: DataFolder): string {
  const hasToken = process.stdout.isTTY && existsSync(folder.ownToken);
  return hasToken ? `${url}/#token=${readFileSync(folder.ownToken, "utf8").trim()}` : `${url}/`;
}

async function listenTo(
  node: Node,
  { folder, config }: DaemonOptions,
  { log, assets }: { readonly log: Log; readonly assets: ReadonlyMap<string, Asset> },
): Promise<Listening> {
  const { host, port, tls, allowPublicWithoutTls, corsOrigins } = config.api;
  const tokens = new TokenFile(folder.tokens);
  tokens.list();
  const app = createApp({
    node,
    version: ownVersion(),
    tokens: (now) => tokens.list(now),
    paymentKeys: new PaymentKeys(folder.paymentKeys),
    log,
    corsOrigins,
    backup: async () => ({ fileName: `fulmen-${config.network}.backup`, content: node.staticBackup() }),
    lastBackupAt: () => lastBackupAt(node, backupFiles(folder, config)),
    assets,
  });
  return listen(app.fetch, {
    host,
    port,
    allowPublicWithoutTls,
    ...(tls !== undefined && { tls: { certificate: readPem(tls.certificate), key: readPem(tls.key) } }),
  });
}

/** Files in which the static channel backup is kept. */
function backupFiles({ backup }: DataFolder, config: DaemonConfig): readonly string[] {
  return config.backupFiles ?? [backup];
}

/** When all files had the newest backup, in seconds since 1970; absent while one has not, or was taken away. */
function lastBackupAt(node: NodeApi, paths: readonly string[]): number | undefined {
  const { takenAt } = node.status().backup ?? {};
  const times = paths.map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NaN);
  const oldest = Math.floor(Math.min(...times) / 1000);
  if (takenAt === undefined || !Number.isFinite(oldest)) return undefined;
  return Math.min(takenAt, oldest);
}

function readPem(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ServerError("tls-unusable", `${path} cannot be read.`, {
      remedy: "Check api.tls.certificate and api.tls.key, and who may read the files.",
      cause,
    });
  }
}

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
};

/** The files of a folder that a browser may have, by their paths. */
function readAssets(folder: string): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const contentType = contentTypes[extname(entry.name)];
      if (!entry.isFile() || contentType === undefined) continue;
      const path = join(entry.parentPath, entry.name);
      assets.set(`/${path.slice(folder.length).replace(/^\/+/, "")}`, {
        contentType,
        body: new Uint8Array(readFileSync(path)),
      });
    }
  } catch {
    throw new CliError(
      "invalid-config",
      exitCodes.config,
      `${folder} is no folder that can be read.`,
      "Correct api.dashboard.",
    );
  }
  return assets;
}
