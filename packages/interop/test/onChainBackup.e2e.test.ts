import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { restoreAndClose } from "./restoredFromBackup.ts";

installNodeCrypto();

test("from seed and static backup we have LDK close, and get what is ours", { timeout: 60_000 }, (t) =>
  restoreAndClose(t, "anchors-zero-fee-htlc", 1),
);
