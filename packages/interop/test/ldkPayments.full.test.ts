// timeout: 240 s
import { installNodeCrypto } from "@fulmen/crypto-node";
import { testPaymentsAtOnce, testPaymentsInTurn } from "./paymentsAtOnce.ts";

installNodeCrypto();

// What `ldkPaymentsAtOnce.e2e.test.ts` and `ldkPayments.e2e.test.ts` leave out.
for (const [format, opener] of [
  ["anchors-zero-fee-htlc", "ldk"],
  ["static-remotekey", "us"],
] as const) {
  testPaymentsAtOnce(format, opener);
  testPaymentsInTurn(format, opener);
}
