import type { PaymentsOptions } from "../paymentsMeasurement.ts";
import { ldkPayments } from "./payments.ts";

// Prints one measurement of LDK as JSON. Its parameter: `PaymentsOptions`.
const result = await ldkPayments(JSON.parse(process.argv[2] ?? "") as PaymentsOptions);
process.stdout.write(`${JSON.stringify(result)}\n`);
