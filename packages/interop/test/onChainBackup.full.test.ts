// timeout: 120 s
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { bothFormats } from "./ourPair.ts";
import { restoreAndClose } from "./restoredFromBackup.ts";

installNodeCrypto();

for (const format of bothFormats) {
  for (const payments of [2, 0]) {
    const title = `${format}, ${payments} payments: from seed and backup we have LDK close, and get what is ours`;
    test(title, { timeout: 60_000 }, (t) => restoreAndClose(t, format, payments));
  }
}
