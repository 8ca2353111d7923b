/*
 * What the store needs of a browser, as far as it needs it: of IndexedDB, and of Web Locks. The names are those of the
 * standards.
 */

/** `IDBRequest` */
export interface DatabaseRequest<T> {
  readonly result: T;
  readonly error: unknown;
  onsuccess: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
}

/** `IDBOpenDBRequest` */
export interface OpenRequest extends DatabaseRequest<Database> {
  onupgradeneeded: ((event: never) => unknown) | null;
  onblocked: ((event: never) => unknown) | null;
}

/** `IDBObjectStore` */
export interface ObjectStore {
  get(key: string): DatabaseRequest<unknown>;
  getAll(range: unknown, count: number): DatabaseRequest<readonly unknown[]>;
  getAllKeys(range: unknown, count: number): DatabaseRequest<readonly unknown[]>;
  put(value: unknown, key: string): DatabaseRequest<unknown>;
  delete(key: string): DatabaseRequest<unknown>;
}

/** `IDBTransaction` */
export interface Transaction {
  readonly durability?: string;
  readonly error: unknown;
  objectStore(name: string): ObjectStore;
  abort(): void;
  oncomplete: ((event: never) => unknown) | null;
  onabort: ((event: never) => unknown) | null;
}

/** `IDBDatabase` */
export interface Database {
  readonly objectStoreNames: { contains(name: string): boolean };
  createObjectStore(name: string): unknown;
  transaction(
    names: string[],
    mode: "readonly" | "readwrite",
    options?: { durability: "strict" },
  ): Transaction;
  close(): void;
  onclose: ((event: never) => unknown) | null;
  onversionchange: ((event: never) => unknown) | null;
}

/** `IDBFactory` */
export interface DatabaseFactory {
  open(name: string, version: number): OpenRequest;
}

/** `IDBKeyRange`, the static part. */
export interface KeyRanges {
  bound(lower: string, upper: string, lowerOpen: boolean, upperOpen: boolean): unknown;
}

/** `LockManager` */
export interface Locks {
  request(
    name: string,
    options: { readonly ifAvailable: true },
    callback: (lock: unknown) => Promise<void> | undefined,
  ): Promise<unknown>;
}

/** What a browser has of these. */
export interface Browser {
  readonly indexedDB: DatabaseFactory | undefined;
  readonly IDBKeyRange: KeyRanges | undefined;
  readonly locks: Locks | undefined;
}

/** The browser that this runs in; nothing of it in Node. */
export function thisBrowser(): Browser {
  const { indexedDB, IDBKeyRange, navigator } = globalThis as {
    readonly indexedDB?: DatabaseFactory;
    readonly IDBKeyRange?: KeyRanges;
    readonly navigator?: { readonly locks?: Locks };
  };
  return { indexedDB, IDBKeyRange, locks: navigator?.locks };
}
