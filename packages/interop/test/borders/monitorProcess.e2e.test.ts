import { describe } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { testMonitorDeaths } from "./monitorDeaths.ts";

installNodeCrypto();

describe("monitors in processes of their own", () => {
  testMonitorDeaths("anchors-zero-fee-htlc");
});
