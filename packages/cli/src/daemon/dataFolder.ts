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
  };
}
