import { describe } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { formatNames } from "@fulmen/lightning/commitment";
import { testOutboxCrashes } from "./outboxCrashes.ts";

installNodeCrypto();

// What `outbox.e2e.test.ts` leaves out.
describe("monitors that are kept elsewhere", () => {
  for (const format of formatNames) if (format !== "anchors-zero-fee-htlc") testOutboxCrashes(format);
});
