import { installNodeCrypto } from "@fulmen/crypto-node";
import type { PaymentsOptions } from "../paymentsMeasurement.ts";
import { durablePayments, payments } from "./payments.ts";

// Prints one measurement of ours as JSON. Its parameters: `PaymentsOptions`, and `durable` or nothing.
installNodeCrypto();
const options = JSON.parse(process.argv[2] ?? "") as PaymentsOptions;
const result = await (process.argv[3] === "durable" ? durablePayments(options) : payments(options));
process.stdout.write(`${JSON.stringify(result)}\n`);
