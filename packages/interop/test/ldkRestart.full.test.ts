// timeout: 240 s
import { installNodeCrypto } from "@fulmen/crypto-node";
import { testCrashes } from "./crashPayment.ts";
import { paymentCases } from "./paymentCases.ts";

installNodeCrypto();

// What `ldkRestart.e2e.test.ts` leaves out.
for (const each of paymentCases("others")) testCrashes(each);
