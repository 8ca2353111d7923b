import { installNodeCrypto } from "@fulmen/crypto-node";
import { testCrossing } from "./cutPayment.ts";

installNodeCrypto();

testCrossing("anchors-zero-fee-htlc");
