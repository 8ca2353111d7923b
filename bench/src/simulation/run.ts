import { setImmediate } from "node:timers/promises";
import type { UnixSeconds } from "@fulmen/lightning/util";
import {
  type BalanceKind,
  drawPayments,
  type GraphDump,
  type PaymentOutcome,
  type RouteChooser,
  SimulatedNetwork,
  Simulation,
} from "@fulmen/testkit/routing";

/** What is simulated: the same for both sides. */
export interface RunOptions {
  readonly seed: number;
  readonly balances: BalanceKind;
  /** Payments by which the scorer learns, and payments that are counted then. */
  readonly warmUp: number;
  readonly measured: number;
}

/** How it went, payment by payment. */
export interface Run {
  readonly outcomes: readonly PaymentOutcome[];
  /** Milliseconds that each search took, those of the warm-up included. */
  readonly searchMs: readonly number[];
  /** Milliseconds for all that a scorer was told. */
  readonly scorerMs: number;
}

/** When the simulation begins: the day of mainnet's dump. */
export const simulatedNow = 1_727_000_000 as UnixSeconds;

/** Runs all payments. Gives others a turn between them: LDK's bindings free nothing without. */
export async function run(dump: GraphDump, chooser: RouteChooser, options: RunOptions): Promise<Run> {
  const { seed, balances, warmUp, measured } = options;
  const network = new SimulatedNetwork(dump, { seed, balances });
  const payments = drawPayments(dump, network.balances, { seed: seed + 1, count: warmUp + measured });
  const searchMs: number[] = [];
  const times = { scorerMs: 0 };
  const timed = timedChooser(chooser, searchMs, times);
  const simulation = new Simulation({ network, chooser: timed, now: simulatedNow, seed: seed + 2 });
  const outcomes: PaymentOutcome[] = [];
  for (const payment of payments) {
    outcomes.push(simulation.pay(payment));
    await setImmediate();
  }
  return { outcomes, searchMs, scorerMs: times.scorerMs };
}

function timedChooser(
  { router, scorer }: RouteChooser,
  searchMs: number[],
  times: { scorerMs: number },
): RouteChooser {
  const told = (tell: () => void): void => {
    const start = performance.now();
    tell();
    times.scorerMs += performance.now() - start;
  };
  return {
    router: {
      findRoute(request) {
        const start = performance.now();
        const found = router.findRoute(request);
        searchMs.push(performance.now() - start);
        return found;
      },
    },
    scorer: {
      paymentPathFailed: (path, id, now) => told(() => scorer.paymentPathFailed(path, id, now)),
      paymentPathSuccessful: (path, now) => told(() => scorer.paymentPathSuccessful(path, now)),
      probeFailed: (path, id, now) => told(() => scorer.probeFailed(path, id, now)),
      probeSuccessful: (path, now) => told(() => scorer.probeSuccessful(path, now)),
      timePassed: (now) => told(() => scorer.timePassed(now)),
    },
  };
}
