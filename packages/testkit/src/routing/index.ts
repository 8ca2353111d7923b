export { type GenerateGraphOptions, generateGraph } from "./generateGraph.ts";
export {
  type DumpedChannel,
  type DumpedNode,
  type DumpedPolicy,
  type GraphDump,
  parseGraphDump,
} from "./graphDump.ts";
export { type LoadedCounts, loadInto, nodeIdAt, type UnsignedGraph } from "./loadInto.ts";
