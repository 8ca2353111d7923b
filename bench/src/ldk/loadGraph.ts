import type { GraphDump } from "@fulmen/testkit/routing";
import * as ldk from "lightningdevkit";
import { ldkGraphBytes } from "./graphBytes.ts";

/** A logger that drops everything: LDK's bindings have no level below which nothing is written. */
export function silentLogger(): ldk.Logger {
  return ldk.Logger.new_impl({ log: () => {} });
}

/** LDK's graph with the channels of the dump and their capacities, whose terms were announced at `now`. */
export function loadLdkGraph(dump: GraphDump, now: number, logger: ldk.Logger): ldk.NetworkGraph {
  const read = ldk.NetworkGraph.constructor_read(ldkGraphBytes(dump, now), logger);
  if (read instanceof ldk.Result_NetworkGraphDecodeErrorZ_OK) return read.res;
  throw new Error("LDK could not read the graph");
}
