import { installNodeCrypto } from "@fulmen/crypto-node";
import type { KVStore } from "@fulmen/lightning/chain";
import { MemoryStore } from "@fulmen/persist/memory";
import { payFor } from "../paymentsMeasurement.ts";
import { takeTurns } from "../side.ts";
import type { Role } from "./benchLine.ts";
import { forwardingLine } from "./forwardingLine.ts";
import { invoicesOf, payAll } from "./payments.ts";

// Payments through a hop, one at a time. Its parameter: how many channels the hop has.
installNodeCrypto();
const stores = new Map<Role, KVStore>();
const line = await forwardingLine(Number(process.argv[2]), {
  storeOf: (role) => {
    const store = stores.get(role) ?? new MemoryStore();
    stores.set(role, store);
    return store;
  },
});
await takeTurns((seconds) =>
  payFor(seconds, 1, {
    prepare: (count) => invoicesOf(line.node("payee"), 1_000_000, count),
    pay: (together) => payAll(line, together),
  }),
);
