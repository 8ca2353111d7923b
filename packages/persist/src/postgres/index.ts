export { openPostgresStore, type PostgresStore, waitForLease } from "./postgresStore.ts";
export type { PostgresSettings, PostgresStoreOptions } from "./settings.ts";
