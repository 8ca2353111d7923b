import { readFile } from "node:fs/promises";
import type { BitcoindAuthentication } from "./options.ts";

/** The cookie in a file, `.cookie` in bitcoind's data directory (of other networks than mainnet in a folder there). */
export function cookieFile(path: string): BitcoindAuthentication {
  return { kind: "cookie", readCookie: () => readFile(path, "utf8") };
}
