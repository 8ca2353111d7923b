import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Where a node keeps what is its own. */
export interface DataFolder {
  readonly path: string;
  readonly config: string;
  readonly seed: string;
  readonly tokens: string;
  /** The token that the commands on this machine use. */
  readonly ownToken: string;
  readonly paymentKeys: string;
  readonly log: string;
  readonly lock: string;
  readonly sqlite: string;
  readonly files: string;
  /** Where the static channel backup is kept, unless the config names other files. */
  readonly backup: string;
  /** A static channel backup that the next start is to restore from. */
  readonly restoreBackup: string;
  /** The one that it was restored from. */
  readonly restoredBackup: string;
  /** Peers, one a line, whose storage the next start is to restore from. */
  readonly restorePeers: string;
}

/** The files of a data folder. Default: `.fulmen` in the user's home. */
export function dataFolder(path: string | undefined): DataFolder {
  const root = resolve(path ?? process.env["FULMEN_DATA_DIR"] ?? join(homedir(), ".fulmen"));
  return {
    path: root,
    config: join(root, "fulmen.json"),
    seed: join(root, "seed"),
    tokens: join(root, "tokens.json"),
    ownToken: join(root, "cli.token"),
    paymentKeys: join(root, "payment-keys.jsonl"),
    log: join(root, "fulmen.log"),
    lock: join(root, "fulmen.pid"),
    sqlite: join(root, "node.sqlite"),
    files: join(root, "records"),
    backup: join(root, "channels.backup"),
    restoreBackup: join(root, "restore.backup"),
    restoredBackup: join(root, "restored.backup"),
    restorePeers: join(root, "restore.peers"),
  };
}
