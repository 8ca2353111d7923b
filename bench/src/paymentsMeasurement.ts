/** What both sides of the payments benchmark are asked to do. */
export interface PaymentsOptions {
  /** Of each payment; below 354,000 it is dust. */
  readonly amountMsat: number;
  /** Payments started together, 1..50; the next ones start when all are done. */
  readonly inFlight: number;
  /** Payments before the clock starts, so that neither side is timed while its code is still being compiled. */
  readonly warmUp: number;
  /** Payments that are timed. */
  readonly count: number;
}

export interface PaymentsResult {
  readonly paymentsPerSecond: number;
  /** CPU time of the process for one payment, both nodes, in milliseconds: less noisy than the wall clock. */
  readonly cpuMsPerPayment: number;
}

/** Times `pay`, which carries out `count` payments. */
export async function timePayments(count: number, pay: () => Promise<void>): Promise<PaymentsResult> {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  await pay();
  const seconds = (performance.now() - before) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { paymentsPerSecond: count / seconds, cpuMsPerPayment: (user + system) / 1_000 / count };
}
