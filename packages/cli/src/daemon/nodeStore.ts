import { randomBytes } from "node:crypto";
import { type StorageOption, storeKey } from "@fulmen/node";
import type { StorageConfig } from "../config/storageConfig.ts";
import type { DataFolder } from "./dataFolder.ts";

type Store = Exclude<StorageOption, "memory" | { readonly sqlite: string }>;

/** A node's store as its config names it. */
export interface NamedStore {
  readonly folder: DataFolder;
  readonly storage: StorageConfig;
  /** Of it, the key of encrypted values. */
  readonly seed: string;
  /** With it, a PostgreSQL store that another host has is waited for. */
  readonly waiting?: { readonly signal: AbortSignal; readonly say: (line: string) => void };
}

/** Opens the store that the config names. Rejects with `StoreError`. */
export async function openNodeStore(named: NamedStore): Promise<Store> {
  const store = await openPlain(named);
  if (!named.storage.encrypted) return store;
  try {
    const { encryptedStore } = await import("@fulmen/persist/encrypted");
    const entropy = { randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
    return await encryptedStore({ store, key: storeKey({ seed: named.seed }), entropy });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Only the code of its own kind is loaded. */
async function openPlain({ folder, storage, waiting }: NamedStore): Promise<Store> {
  switch (storage.kind) {
    case "sqlite": {
      const { openSqliteStore } = await import("@fulmen/persist/sqlite");
      return openSqliteStore(storage.path ?? folder.sqlite);
    }
    case "files": {
      const { openFileStore } = await import("@fulmen/persist/files");
      return openFileStore(storage.path ?? folder.files);
    }
    case "postgres": {
      const { openPostgresStore, waitForLease } = await import("@fulmen/persist/postgres");
      const { url: connection, node } = storage;
      if (waiting === undefined) return openPostgresStore({ connection, node });
      return waitForLease({ connection, node, log: waiting.say }, waiting.signal);
    }
  }
}

/** What people know a store by, without passwords. */
export function nameOfStore(storage: StorageConfig, folder: DataFolder): string {
  switch (storage.kind) {
    case "sqlite":
      return storage.path ?? folder.sqlite;
    case "files":
      return storage.path ?? folder.files;
    case "postgres": {
      const { host, pathname } = new URL(storage.url);
      return `postgres://${host}${pathname}, node ${storage.node}`;
    }
  }
}
