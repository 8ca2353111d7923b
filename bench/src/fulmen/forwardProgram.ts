import { installNodeCrypto } from "@fulmen/crypto-node";
import type { Invoice } from "@fulmen/lightning/invoice";
import type { PaymentHash } from "@fulmen/lightning/util";
import type { ForwardSample } from "../forward.ts";
import { takeTurns } from "../side.ts";
import { BenchLine, type Role } from "./benchLine.ts";
import { invoicesOf } from "./payments.ts";

// Payments through a hop in both directions. Its parameter: how many are kept in flight each way.
installNodeCrypto();
const inFlight = Number(process.argv[2]);
const line = await BenchLine.open({
  links: [
    ["payer", "hop"],
    ["hop", "payee"],
  ],
  isBalanced: true,
});

const amountMsat = 1_000_000;

/** One end of the line, which pays the other. */
interface End {
  readonly role: Role;
  readonly other: Role;
  /** Payments whose HTLC may still be there. */
  open: number;
  invoices: Invoice[];
}

const ends: readonly End[] = [
  { role: "payer", other: "payee", open: 0, invoices: [] },
  { role: "payee", other: "payer", open: 0, invoices: [] },
];

await takeTurns(async (seconds): Promise<ForwardSample> => {
  const started = new Map<PaymentHash, number>();
  const latenciesMs: number[] = [];
  let mostHtlcs = 0;
  let longestGapMs = 0;
  let clockMs = 0;
  let lastPaidMs = 0;
  let isOver = false;
  do {
    // Invoices are made while the clock stands still.
    if (!isOver) for (const end of ends) provide(end);
    const before = performance.now();
    const now = (): number => clockMs + performance.now() - before;
    if (!isOver) {
      for (const end of ends) {
        for (; end.open < inFlight; end.open++) {
          const invoice = end.invoices.pop();
          if (invoice === undefined) throw new Error("no invoice is left");
          started.set(invoice.paymentHash, now());
          line.node(end.role).manager.payForBolt11Invoice(invoice);
        }
      }
    }
    await line.advance((event, role) => {
      if (event.kind === "payment-failed") throw new Error(event.reason);
      if (event.kind === "payment-sent") {
        longestGapMs = Math.max(longestGapMs, now() - lastPaidMs);
        lastPaidMs = now();
        latenciesMs.push(lastPaidMs - (started.get(event.paymentHash) ?? Number.NaN));
      }
      // Its HTLC is gone for good only now: the peer may refuse another one before.
      if (event.kind === "payment-path-successful") {
        for (const end of ends) if (end.role === role) end.open--;
      }
    });
    for (const { pendingHtlcs } of line.node("hop").manager.listChannels()) {
      mostHtlcs = Math.max(mostHtlcs, pendingHtlcs);
    }
    clockMs = now();
    isOver = clockMs >= seconds * 1_000;
    if (clockMs - lastPaidMs > 30_000) throw new Error("nothing was paid for 30 seconds");
  } while (!isOver || ends.some(({ open }) => open > 0));
  return { elapsedMs: clockMs, latenciesMs, mostHtlcs, longestGapMs };
});

function provide(end: End): void {
  const missing = inFlight - end.invoices.length;
  if (missing > 0) end.invoices.push(...invoicesOf(line.node(end.other), amountMsat, missing));
}
