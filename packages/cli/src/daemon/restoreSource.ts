import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { NodeOptions } from "@fulmen/node";
import { CliError, exitCodes } from "../cliError.ts";
import type { DataFolder } from "./dataFolder.ts";

/** What a command line says of where channels are restored from. */
export interface RestoreChoice {
  /** A file with a static channel backup. */
  readonly backup?: string;
  /** Addresses of peers that keep one, with commas between them. */
  readonly peers?: string;
}

type RestoreFrom = NonNullable<NodeOptions["restoreFrom"]>;

/** A static channel backup, or the peers that have it; absent where neither is named. */
export function restoreSource({ backup, peers }: RestoreChoice): RestoreFrom | undefined {
  if (backup !== undefined && peers !== undefined)
    throw new CliError(
      "usage",
      exitCodes.usage,
      "Both a backup's file and peers are named.",
      "Name the newer: the file, unless channels were opened since it was written.",
    );
  if (backup !== undefined) return readBackupFile(backup);
  if (peers === undefined) return undefined;
  return { peers: peers.split(",").map((peer) => peer.trim()) };
}

/** The bytes of a backup. */
export function readBackupFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    throw new CliError(
      "backup-unusable",
      exitCodes.config,
      `${path} cannot be read.`,
      "Name the backup's file.",
    );
  }
}

/** Leaves in the folder what the first start is to restore from. */
export function keepRestoreSource(folder: DataFolder, source: RestoreFrom): void {
  if (source instanceof Uint8Array) writeFileSync(folder.restoreBackup, source, { mode: 0o600, flush: true });
  else writeFileSync(folder.restorePeers, `${source.peers.join("\n")}\n`, { mode: 0o600, flush: true });
}

/** What `keepRestoreSource` left there, until `restoreIsDone`. */
export function keptRestoreSource(folder: DataFolder): RestoreFrom | undefined {
  if (existsSync(folder.restoreBackup)) return readBackupFile(folder.restoreBackup);
  if (!existsSync(folder.restorePeers)) return undefined;
  return { peers: readFileSync(folder.restorePeers, "utf8").trim().split("\n") };
}

/** The store has all that the backup had. */
export function restoreIsDone(folder: DataFolder): void {
  if (existsSync(folder.restoreBackup)) renameSync(folder.restoreBackup, folder.restoredBackup);
  rmSync(folder.restorePeers, { force: true });
}
