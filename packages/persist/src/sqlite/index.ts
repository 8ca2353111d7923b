export { openSqliteStore } from "./sqliteStore.ts";
