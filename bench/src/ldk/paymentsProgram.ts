import { type PaymentsOptions, payFor } from "../paymentsMeasurement.ts";
import { takeTurns } from "../side.ts";
import { ldkPayments } from "./payments.ts";

// LDK's side of the payments benchmark. Its parameter: `PaymentsOptions` as JSON.
const { amountMsat, inFlight } = JSON.parse(process.argv[2] ?? "") as PaymentsOptions;
const payments = await ldkPayments(amountMsat);
await takeTurns((seconds) => payFor(seconds, inFlight, payments));
