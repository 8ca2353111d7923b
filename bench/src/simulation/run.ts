import { setImmediate } from "node:timers/promises";
import type { RouteSolver } from "@fulmen/lightning/routing";
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
import { benchGraph } from "../benchGraph.ts";

/** What is simulated: the same for all sides. */
export interface RunOptions {
  readonly seed: number;
  readonly balances: BalanceKind;
  /** Payments by which the scorer learns, up to 1,000,000 sat each and in one part. */
  readonly warmUp: number;
  /** Payments after these, up to 10,000,000 sat each and in parts where that helps. */
  readonly measured: number;
  /** Ours only: how parts are found. */
  readonly solver?: RouteSolver;
  /** Ours only: by what the scorer's parameters are divided. */
  readonly penaltyDivisor?: number;
}

/** How it went. */
export interface Run {
  readonly warmUp: readonly PaymentOutcome[];
  readonly measured: readonly PaymentOutcome[];
  /** Milliseconds that each search for a measured payment took. */
  readonly searchMs: readonly number[];
  /** Milliseconds that the measured payments took altogether: searches, learning and the simulation itself. */
  readonly measuredMs: number;
}

/** When the simulation begins: the day of mainnet's dump. */
export const simulatedNow = 1_727_000_000 as UnixSeconds;

/** The graph of the benches without channels that nobody can take: they would cost LDK a third of its time. */
export function simulatedGraph(): { readonly dump: GraphDump; readonly source: string } {
  const { dump, source } = benchGraph();
  const channels = dump.channels.filter(({ oneToTwo, twoToOne }) => oneToTwo ?? twoToOne);
  return { dump: { nodes: dump.nodes, channels }, source: `${source}, ${channels.length} with terms` };
}

/** Runs all payments. Gives others a turn between them: LDK's bindings free nothing without. */
export async function run(dump: GraphDump, chooser: RouteChooser, options: RunOptions): Promise<Run> {
  const { seed, balances, warmUp, measured, solver } = options;
  const network = new SimulatedNetwork(dump, { seed, balances });
  const small = { seed: seed + 1, count: warmUp, mostAmount: 1_000_000, takesParts: false };
  const warmUpPayments = drawPayments(dump, network.balances, small);
  const measuredPayments = drawPayments(dump, network.balances, { seed: seed + 2, count: measured });
  const searchMs: number[] = [];
  const timed: RouteChooser = { ...chooser, router: timedRouter(chooser.router, searchMs) };
  const simulation = new Simulation({
    network,
    chooser: timed,
    now: simulatedNow,
    seed: seed + 3,
    ...(solver && { solver }),
  });
  const outcomesOf = async (payments: typeof measuredPayments): Promise<PaymentOutcome[]> => {
    const outcomes: PaymentOutcome[] = [];
    for (const payment of payments) {
      outcomes.push(simulation.pay(payment));
      await setImmediate();
    }
    return outcomes;
  };
  const warmUpOutcomes = await outcomesOf(warmUpPayments);
  searchMs.length = 0;
  const start = performance.now();
  const outcomes = await outcomesOf(measuredPayments);
  return { warmUp: warmUpOutcomes, measured: outcomes, searchMs, measuredMs: performance.now() - start };
}

function timedRouter(router: RouteChooser["router"], searchMs: number[]): RouteChooser["router"] {
  return {
    findRoute(request) {
      const start = performance.now();
      const found = router.findRoute(request);
      searchMs.push(performance.now() - start);
      return found;
    },
  };
}
