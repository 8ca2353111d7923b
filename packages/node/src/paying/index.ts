export { parsePayment } from "./parsePayment.ts";
export { beginPayment, chosenMethod, explainedRoute, onchainAmount } from "./payments.ts";
export { beginRawSend } from "./rawSend.ts";
