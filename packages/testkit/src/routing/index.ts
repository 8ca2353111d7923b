export { type DrawPaymentsOptions, drawPayments, type SimulatedPayment } from "./drawPayments.ts";
export { type GenerateGraphOptions, generateGraph } from "./generateGraph.ts";
export {
  type DumpedChannel,
  type DumpedNode,
  type DumpedPolicy,
  type GraphDump,
  parseGraphDump,
} from "./graphDump.ts";
export { type BalanceKind, HiddenBalances } from "./hiddenBalances.ts";
export { type LoadedCounts, loadInto, nodeIdAt, type UnsignedGraph } from "./loadInto.ts";
export {
  type HeldPart,
  type PartFailure,
  type SentPart,
  SimulatedNetwork,
  type SimulatedNetworkOptions,
} from "./simulatedNetwork.ts";
export {
  type PaymentOutcome,
  type RouteChooser,
  Simulation,
  type SimulationOptions,
} from "./simulation.ts";
export { type SimulationSummary, summarize } from "./simulationSummary.ts";
