import type { SignedNetwork } from "@fulmen/testkit/gossip";

/** How long it took, in milliseconds, to take in each kind of message. */
export interface GossipSample {
  readonly announcements: number;
  readonly updates: number;
  readonly nodes: number;
  /** Of the process, on all threads, for all of it. */
  readonly cpu: number;
}

/** Takes encoded messages into a graph, and tells what is in it. */
export interface GossipTaker {
  take(messages: readonly Uint8Array[]): Promise<void> | void;
  counts(): { readonly channels: number; readonly nodes: number };
}

/**
 * Takes a whole network in, in the order in which a peer would send it. Throws when something is missing afterwards.
 */
export async function takeNetwork(network: SignedNetwork, taker: GossipTaker): Promise<GossipSample> {
  const cpuBefore = process.cpuUsage();
  const announcements = await timed(() => taker.take(network.announcements));
  const updates = await timed(() => taker.take(network.updates));
  const nodes = await timed(() => taker.take(network.nodes));
  const { user, system } = process.cpuUsage(cpuBefore);
  const { channels, nodes: found } = taker.counts();
  if (channels !== network.announcements.length || found !== network.nodes.length) {
    throw new Error(`${channels} channels and ${found} nodes were taken in`);
  }
  return { announcements, updates, nodes, cpu: (user + system) / 1_000 };
}

async function timed(run: () => Promise<void> | void): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}
