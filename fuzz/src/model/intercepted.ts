import { ApiError } from "@fulmen/lightning/manager";
import type { Intercepted, World } from "./world.ts";

/**
 * The user passes one on, over any channel with the node that it is for. `false`: none waits, or none can go there now.
 */
export function forwardIntercepted(world: World, which: number, channel: number): boolean {
  const chosen = chosenOf(world, which);
  return chosen !== undefined && forward(world, chosen, channel);
}

export function failIntercepted(world: World, which: number): boolean {
  const chosen = chosenOf(world, which);
  return chosen !== undefined && fail(world, chosen);
}

/** The user decides about all: what cannot go on goes back. */
export function decideAll(world: World): void {
  for (const intercepted of [...world.intercepted.values()])
    if (!forward(world, intercepted, 0)) fail(world, intercepted);
}

function chosenOf({ intercepted }: World, which: number): Intercepted | undefined {
  return [...intercepted.values()][which % Math.max(1, intercepted.size)];
}

function forward(world: World, intercepted: Intercepted, channel: number): boolean {
  const { node, interceptId, requestedNextHopScid, expectedOutboundAmount } = intercepted;
  const channels = node.manager.listChannels();
  const named = channels.find(({ shortChannelId }) => shortChannelId === requestedNextHopScid);
  const usable = channels.filter(
    ({ counterparty, isUsable }) => isUsable && counterparty === named?.counterparty,
  );
  const to = usable[channel % Math.max(1, usable.length)];
  if (to === undefined) return false;
  return decide(world, intercepted, () =>
    node.manager.forwardInterceptedHtlc(interceptId, to.channelId, to.counterparty, expectedOutboundAmount),
  );
}

function fail(world: World, intercepted: Intercepted): boolean {
  return decide(world, intercepted, () =>
    intercepted.node.manager.failInterceptedHtlc(intercepted.interceptId),
  );
}

/**
 * It may have been failed back in time, or its channel may be closed; or the channel that was chosen does not take it.
 */
function decide({ intercepted }: World, { interceptId }: Intercepted, call: () => void): boolean {
  try {
    call();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === "channel-unavailable") return false;
    if (error.code !== "api-misuse") throw error;
    intercepted.delete(interceptId);
    return false;
  }
  intercepted.delete(interceptId);
  return true;
}
