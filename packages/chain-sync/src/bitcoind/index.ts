export { BitcoindSource } from "./bitcoindSource.ts";
export { cookieFile } from "./cookieFile.ts";
export type { BitcoindAuthentication, BitcoindOptions } from "./options.ts";
