import { installNodeCrypto } from "@fulmen/crypto-node";
import { type PaymentsOptions, payFor } from "../paymentsMeasurement.ts";
import { takeTurns } from "../side.ts";
import type { PairStores } from "./benchPair.ts";
import { ourPayments, withSqliteStores } from "./payments.ts";

// Our side of the payments benchmark. Its parameters: `PaymentsOptions` as JSON, and `durable` or nothing.
installNodeCrypto();
const { amountMsat, inFlight } = JSON.parse(process.argv[2] ?? "") as PaymentsOptions;
await (process.argv[3] === "durable" ? withSqliteStores(run) : run());

async function run(stores?: PairStores): Promise<void> {
  const payments = await ourPayments(amountMsat, stores === undefined ? {} : { stores });
  await takeTurns((seconds) => payFor(seconds, inFlight, payments));
}
