import { describe } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { formatNames } from "@fulmen/lightning/commitment";
import { testMonitorDeaths } from "./monitorDeaths.ts";

installNodeCrypto();

// What `monitorProcess.e2e.test.ts` leaves out.
describe("monitors in processes of their own", () => {
  for (const format of formatNames) if (format !== "anchors-zero-fee-htlc") testMonitorDeaths(format);
});
