import { type NetworkGraph, type RapidGossipRefusal, RapidGossipSync } from "@fulmen/lightning/gossip";
import type { Result, UnixSeconds } from "@fulmen/lightning/util";
import { type FetchFailure, type FetchOptions, fetchSnapshot } from "./fetchSnapshot.ts";

/** Why a graph was not brought up to date; it is as it was. */
export type SyncFailure = FetchFailure | RapidGossipRefusal;

/**
 * Brings a graph up to date from a server of snapshots, Fulmen's or LDK's. `url` is all that stands in front of the
 * time: `https://example.com/v2/snapshot`. Gives the time as of which the server knew what it told. Once a day is often
 * enough to forget nothing; where it has been longer, the server says again what may be forgotten.
 */
export async function syncFrom(
  url: string,
  graph: NetworkGraph,
  now: UnixSeconds,
  options?: FetchOptions,
): Promise<Result<UnixSeconds, SyncFailure>> {
  const sync = new RapidGossipSync(graph);
  const base = url.replace(/\/+$/, "");
  let fetched = await fetchSnapshot(`${base}/${sync.lastSync}`, options);
  // LDK's server only has the times that it gave out itself, and not for ever.
  if (!fetched.ok && fetched.error.status === 404 && sync.lastSync > 0) {
    fetched = await fetchSnapshot(`${base}/0`, options);
  }
  return fetched.ok ? sync.updateNetworkGraph(fetched.value, now) : fetched;
}
