import { StoreError } from "../storeError.ts";

/** The module `node:sqlite`. */
export type Sqlite = typeof import("node:sqlite");

/**
 * `node:sqlite`, looked for when it is needed, so that the rest of the package works on a Node without it. The store in
 * files uses it for its lock. Throws `StoreError` `unsupported-runtime` where it is missing, or cannot yet say whether a
 * transaction is open: what a failed commit leaves behind would stay.
 */
export function loadSqlite(
  find: (id: "node:sqlite") => Sqlite | undefined = (id) => process.getBuiltinModule?.(id),
): Sqlite {
  const sqlite = find("node:sqlite");
  if (sqlite !== undefined && "isTransaction" in new sqlite.DatabaseSync("", { open: false })) return sqlite;
  throw new StoreError(
    "unsupported-runtime",
    `this store needs Node 22.16 or later, for its node:sqlite; this is Node ${process.versions.node}`,
  );
}
