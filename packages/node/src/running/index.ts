export { Backups } from "./backups.ts";
export { EventHandler } from "./eventHandler.ts";
export { readEvents } from "./eventLog.ts";
export { findPayment, ledgerCsv, listEntries, listPayments } from "./lists.ts";
export { awaitPayment, isOver, knownPayment } from "./paymentWait.ts";
export { announceNode, endInterrupted, forgetOld, syncRapidGossip } from "./upkeep.ts";
