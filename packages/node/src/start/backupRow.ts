import type { KVStore, KvWrite } from "@fulmen/lightning/chain";
import { backupKey, decodeRow, encodeRow } from "../journal/index.ts";

/** What a store knows of its static backups. */
export interface BackupRow {
  /** Of the newest that was made; 0 before the first. */
  readonly counter: number;
  /** Counter of the one that the store was restored from. */
  readonly restoredFrom?: number;
  /** Channels that were in none of the backups that peers gave back then. */
  readonly leftOut?: number;
  /** Nothing of the wallet is in blocks below this height. Absent where a backup did not say. */
  readonly birthday?: number;
}

export async function readBackupRow(store: KVStore): Promise<BackupRow | undefined> {
  const bytes = await store.read(backupKey);
  return bytes && decodeRow<BackupRow>(backupKey, bytes);
}

export function backupRowWrite(row: BackupRow): KvWrite {
  return { key: backupKey, value: encodeRow(row) };
}
