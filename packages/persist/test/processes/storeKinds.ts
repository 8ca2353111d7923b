import type { KVStore } from "@fulmen/lightning/chain";
import { openFileStore } from "@fulmen/persist/files";
import { openSqliteStore } from "@fulmen/persist/sqlite";

/** Stores that are kept in files, and what a process that commits to one is tested with. */
export const storeKinds = {
  sqlite: { name: "node.db", open: openSqliteStore },
  // Several snapshots are written while the process runs.
  files: {
    name: "node-files",
    open: (path: string): Promise<KVStore> => openFileStore(path, { journalBytes: 100_000 }),
  },
  // No snapshot makes room.
  journal: { name: "node-files", open: (path: string): Promise<KVStore> => openFileStore(path) },
} as const;

export type StoreKind = keyof typeof storeKinds;
