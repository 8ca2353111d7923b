import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { forceCloseWithHtlcs } from "./onChainEndings.ts";
import { bothFormats, bothSides } from "./ourPair.ts";

installNodeCrypto();

for (const format of bothFormats) {
  for (const closer of bothSides) {
    // One block has the claims by preimage, the one before it the commitment.
    const [opener, reorgDepth] = closer === "us" ? (["us", 1] as const) : (["ldk", 2] as const);
    const title = `${format}, closed by ${closer}: ${reorgDepth} blocks are lost with claims by preimage`;
    test(title, { timeout: 60_000 }, async (t) => {
      await forceCloseWithHtlcs(t, { format, opener }, { closer, reorgDepth });
    });
  }
}
