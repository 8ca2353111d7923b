import { installCrypto } from "@fulmen/bitcoin/crypto";
import { nodeProvider } from "@fulmen/crypto-node";
import type { OperationsSample } from "../operations.ts";
import { type PaymentsOptions, payFor } from "../paymentsMeasurement.ts";
import { takeTurns } from "../side.ts";
import { OperationCounter } from "./curveOperations.ts";
import { ourPayments } from "./payments.ts";

// Our side of the payments benchmark once more, under a provider that counts. Its parameter: `PaymentsOptions` as JSON.
const counter = new OperationCounter(nodeProvider());
installCrypto(counter.provider);
const { amountMsat, inFlight } = JSON.parse(process.argv[2] ?? "") as PaymentsOptions;
const { prepare, pay } = await ourPayments(amountMsat, {
  onTurn: (role) => {
    counter.user = role;
  },
});

await takeTurns(async (seconds): Promise<OperationsSample> => {
  counter.clear();
  let payments = 0;
  await payFor(seconds, inFlight, {
    prepare: (count) => {
      payments += count;
      counter.user = undefined;
      return prepare(count);
    },
    pay,
  });
  return {
    payments,
    usage: [...counter.usage].flatMap(([node, operations]) =>
      [...operations].map(([operation, { calls, ms }]) => ({ node, operation, calls, ms })),
    ),
  };
});
