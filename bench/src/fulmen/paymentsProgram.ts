import { installNodeCrypto } from "@fulmen/crypto-node";
import { type PaymentsOptions, payFor } from "../paymentsMeasurement.ts";
import { takeTurns } from "../side.ts";
import type { LineOptions } from "./benchLine.ts";
import { ourPayments, withSqliteStores } from "./payments.ts";

// Our side of the payments benchmark. Its parameters: `PaymentsOptions` as JSON, and `durable` or nothing.
installNodeCrypto();
const { amountMsat, inFlight } = JSON.parse(process.argv[2] ?? "") as PaymentsOptions;
await (process.argv[3] === "durable"
  ? withSqliteStores(["payer", "payee"], (storeOf) => run({ storeOf }))
  : run());

async function run(options?: LineOptions): Promise<void> {
  const payments = await ourPayments(amountMsat, options);
  await takeTurns((seconds) => payFor(seconds, inFlight, payments));
}
