import { resolve } from "node:path";
import { CliError, exitCodes } from "../cliError.ts";
import { changeConfig } from "../config/changeConfig.ts";
import { daemonConfig } from "../config/daemonConfig.ts";
import { readConfig } from "../config/readConfig.ts";
import { environmentName } from "../config/settings.ts";
import { type StorageConfig, storageConfig } from "../config/storageConfig.ts";
import { dataFolder } from "../daemon/dataFolder.ts";
import { takeLock } from "../daemon/lock.ts";
import { nameOfStore, openNodeStore } from "../daemon/nodeStore.ts";
import { readSeed } from "../daemon/seedFile.ts";
import { seedPassphrase } from "../output/passphrase.ts";
import { ProgressBar, say } from "../output/terminal.ts";

/** What `fulmen store move` is told. */
export interface MoveOptions {
  readonly dataDir?: string;
  readonly to: string;
  readonly path?: string;
  readonly url?: string;
  readonly node?: string;
  readonly encrypt?: boolean;
}

/**
 * `fulmen store move`: brings all records of a node that does not run to another store, and has the config name it. The
 * old one is marked, so that nobody starts the node from it again. Wherever it was cut off, the same command goes on
 * from there.
 */
export async function moveStore(options: MoveOptions): Promise<void> {
  const folder = dataFolder(options.dataDir);
  const { storage } = daemonConfig(readConfig(folder.config, process.env));
  const target = targetOf(options);
  const [here, there] = [nameOfStore(storage, folder), nameOfStore(target, folder)];
  if (here === there && storage.encrypted === target.encrypted) {
    say(`The node's records are in ${here} already.`);
    return;
  }
  if (here === there)
    throw new CliError(
      "same-store",
      exitCodes.usage,
      `The node's records are in ${here}, and cannot be written there a second time.`,
      "Name another place with --path, or another database or node.",
    );
  const lock = takeLock(folder.lock);
  try {
    const seed = await readSeed(folder.seed, seedPassphrase);
    const entries = await copied({ folder, seed, storage }, { folder, seed, storage: target }, there);
    changeConfig(folder.config, "storage", target);
    say(`${entries} records are in ${there} now, and ${folder.config} says so.`);
  } finally {
    lock.release();
  }
  for (const name of ["kind", "path", "url", "node", "encrypted"].map((one) => `storage.${one}`)) {
    const variable = environmentName(name);
    if (process.env[variable] !== undefined) say(`${variable} is set and counts more: change it, too.`);
  }
  say(`Start the node. When it runs, ${here} can be deleted; it cannot be started from any more.`);
}

async function copied(
  from: Parameters<typeof openNodeStore>[0],
  to: Parameters<typeof openNodeStore>[0],
  movedTo: string,
): Promise<number> {
  const { copyStore } = await import("@fulmen/persist/copy");
  const source = await openNodeStore(from);
  const bar = new ProgressBar("Records");
  try {
    const target = await openNodeStore(to);
    try {
      const { entries } = await copyStore(source, target, {
        movedTo,
        progress: ({ stage, entries: count }) => bar.count(stage, count),
      });
      return entries;
    } finally {
      await target.close();
    }
  } finally {
    bar.end();
    await source.close();
  }
}

function targetOf({ to, path, url, node, encrypt }: MoveOptions): StorageConfig {
  if (to !== "sqlite" && to !== "files" && to !== "postgres")
    throw new CliError(
      "unknown-store",
      exitCodes.usage,
      `There is no store of the kind ${to.slice(0, 40)}.`,
      "Name sqlite, files or postgres.",
    );
  if (to === "postgres" && url === undefined)
    throw new CliError(
      "usage",
      exitCodes.usage,
      "It is not said which database the records are to be in.",
      "Add --url postgres://user:password@host/database.",
    );
  const full = path === undefined ? undefined : resolve(path);
  const named = Object.entries({ kind: to, path: full, url, node, encrypted: encrypt });
  const values = named.flatMap(([name, value]) =>
    value === undefined ? [] : [[`storage.${name}`, value] as const],
  );
  return storageConfig(new Map(values));
}
