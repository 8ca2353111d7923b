// timeout: 240 s
import { installNodeCrypto } from "@fulmen/crypto-node";
import { testCrossing, testCuts } from "./cutPayment.ts";
import { paymentCases } from "./paymentCases.ts";

installNodeCrypto();

// What `ldkReconnect.e2e.test.ts` and `ldkReconnectCrossing.e2e.test.ts` leave out.
for (const each of paymentCases("others")) testCuts(each);
testCrossing("static-remotekey");
