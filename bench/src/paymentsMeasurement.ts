/** What both sides of the payments benchmark are asked to do. */
export interface PaymentsOptions {
  /** Of each payment; below 354,000 it is dust. */
  readonly amountMsat: number;
  /** Payments started together, 1..30; the next ones start when all are done. */
  readonly inFlight: number;
}

export interface PaymentsSample {
  readonly paymentsPerSecond: number;
  /** CPU time of the process for one payment, both nodes, in milliseconds: less noisy than the wall clock. */
  readonly cpuMsPerPayment: number;
}

/**
 * Size of the payer's channel: 100 bitcoin pay 1M msat ten million times, so that no machine is too fast for it.
 */
export const channelSats = 10_000_000_000n;

/** A side's way to make payments. */
export interface Payments<P> {
  /** What the payer knows before it pays: as many invoices of the payee, parsed. This is not timed. */
  readonly prepare: (count: number) => readonly P[];
  /** Starts payments together and returns when all of them are through. */
  readonly pay: (together: readonly P[]) => Promise<void>;
}

/** Invoices are made so many at a time. */
const prepared = 30;

/** Pays for so many seconds. */
export async function payFor<P>(
  seconds: number,
  inFlight: number,
  { prepare, pay }: Payments<P>,
): Promise<PaymentsSample> {
  let count = 0;
  let elapsedMs = 0;
  let cpuMs = 0;
  while (elapsedMs < seconds * 1_000) {
    const invoices = prepare(prepared);
    const cpuBefore = process.cpuUsage();
    const before = performance.now();
    for (let next = 0; next < prepared; next += inFlight) await pay(invoices.slice(next, next + inFlight));
    elapsedMs += performance.now() - before;
    const { user, system } = process.cpuUsage(cpuBefore);
    cpuMs += (user + system) / 1_000;
    count += prepared;
  }
  return { paymentsPerSecond: (count * 1_000) / elapsedMs, cpuMsPerPayment: cpuMs / count };
}
