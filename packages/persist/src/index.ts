export { openFileStore } from "./files/index.ts";
export { MemoryStore } from "./memory/index.ts";
export { openSqliteStore } from "./sqlite/index.ts";
export { StoreError, type StoreErrorCode } from "./storeError.ts";
