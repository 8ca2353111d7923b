export { type ProbeAttempt, Prober, type ProberOptions } from "./prober.ts";
export {
  HighDegreeProbes,
  type HighDegreeProbesOptions,
  type ProbeSource,
  type ProbeStrategy,
  RandomWalkProbes,
  type RandomWalkProbesOptions,
} from "./probeStrategies.ts";
export { buildRandomWalkProbePath, type RandomWalkRequest } from "./randomWalk.ts";
