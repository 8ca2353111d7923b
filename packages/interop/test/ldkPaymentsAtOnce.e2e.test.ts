// timeout: 240 s
import { installNodeCrypto } from "@fulmen/crypto-node";
import { testPaymentsAtOnce } from "./paymentsAtOnce.ts";

installNodeCrypto();

testPaymentsAtOnce("anchors-zero-fee-htlc", "us");
testPaymentsAtOnce("static-remotekey", "ldk");
