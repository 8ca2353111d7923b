import { StoreError } from "../storeError.ts";
import type { Database, DatabaseFactory, DatabaseRequest } from "./browser.ts";
import { databaseError, nameOf } from "./databaseError.ts";

/** Where the entries are: by their key, as `Uint8Array`. */
export const entriesName = "entries";
/** Who has the database open: one row. */
export const ownerName = "owner";

const version = 1;

/**
 * Opens the database, or creates it. Rejects with `StoreError` `open-failed`, `newer-schema`, `foreign-file`, `locked`.
 */
export async function openDatabase(factory: DatabaseFactory, name: string): Promise<Database> {
  let database: Database;
  try {
    const request = factory.open(name, version);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(entriesName);
      request.result.createObjectStore(ownerName);
    };
    const blocked = new Promise<never>((_, reject) => {
      request.onblocked = () =>
        reject(
          new StoreError("locked", `the store ${name} is in use by an older version of this page: close it`),
        );
    });
    database = await Promise.race([answer(request), blocked]);
  } catch (error) {
    if (nameOf(error) === "VersionError") {
      const text = `the store ${name} was written by a later version, this Fulmen reads version ${version}: use the newer Fulmen again`;
      throw new StoreError("newer-schema", text, error);
    }
    throw databaseError(error, name, "open-failed");
  }
  const { objectStoreNames } = database;
  if (objectStoreNames.contains(entriesName) && objectStoreNames.contains(ownerName)) return database;
  database.close();
  throw new StoreError("foreign-file", `the database ${name} is another program's: choose another name`);
}

/** What a request gives. */
export function answer<T>(request: DatabaseRequest<T>): Promise<T> {
  return new Promise((fulfil, reject) => {
    request.onsuccess = () => fulfil(request.result);
    request.onerror = () => reject(request.error);
  });
}
