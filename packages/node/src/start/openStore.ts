import type { KVStore } from "@fulmen/lightning/chain";
import { MemoryStore } from "@fulmen/persist/memory";
import { openSqliteStore } from "@fulmen/persist/sqlite";
import type { StorageOption } from "../api/options.ts";

/** The store that an option names, open. */
export async function openStore(storage: StorageOption): Promise<KVStore> {
  if (storage === "memory") return new MemoryStore();
  if ("sqlite" in storage) return openSqliteStore(storage.sqlite);
  return storage;
}
