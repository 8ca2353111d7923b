import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { forceCloseWithHtlcs } from "./onChainEndings.ts";

installNodeCrypto();

const format = "static-remotekey";

for (const [opener, closer] of [
  ["us", "ldk"],
  ["ldk", "us"],
] as const) {
  const title = `${format}, opened by ${opener}, closed by ${closer}: HTLCs both ways, by preimage and by timeout`;
  test(title, { timeout: 60_000 }, async (t) => {
    await forceCloseWithHtlcs(t, { format, opener }, { closer });
  });
}
