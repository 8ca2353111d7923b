import { txid } from "@fulmen/bitcoin/transaction";
import { ApiError } from "@fulmen/lightning/manager";
import { monitorsPrefix } from "@fulmen/lightning/storage";
import { Ghost } from "./ghost.ts";
import type { Action } from "./script.ts";
import type { Opened, World } from "./world.ts";

type EndAction = Extract<Action, { readonly kind: "force-close" | "remember" | "cheat" | "mine-many" }>;

/** So many that every delay can pass. */
const mostBlocks = 600;

/** What brings channels to their end on the chain. */
export function end(world: World, action: EndAction): boolean {
  switch (action.kind) {
    case "force-close":
      return forceClose(world, action);
    case "remember": {
      const node = world.node(action.node);
      world.copies.set(node, node.lateWatch?.stored() ?? node.store.entries(monitorsPrefix));
      return true;
    }
    case "cheat":
      return cheat(world, action.which);
    case "mine-many":
      return mineMany(world, action.blocks + 1);
  }
}

function forceClose(world: World, { channel, closer }: Extract<EndAction, { kind: "force-close" }>): boolean {
  const chosen = pick(world, channel);
  if (chosen === undefined) return false;
  const node = closer % 2 === 0 ? chosen.opener : chosen.acceptor;
  try {
    node.manager.forceCloseBroadcastingLatestTxn(chosen.channelId, "the script says so");
    return true;
  } catch (error) {
    if (error instanceof ApiError) return false;
    throw error;
  }
}

/** Whoever mines does so while every store works: a node that may not write for hours can lose money. */
function mineMany(world: World, blocks: number): boolean {
  if (world.blocks + blocks > mostBlocks) return false;
  world.blocks += blocks;
  for (let i = 0; i < blocks; i++) {
    world.mendAll();
    world.mine();
    world.pump();
    world.checkClaims();
  }
  return true;
}

/** A copy of somebody's monitors publishes what it has of a channel, which may be revoked since. */
function cheat(world: World, which: number): boolean {
  const { chain } = world.network;
  const chances = world.opened
    .filter(({ funding }) => chain.outputSpentBy(funding) === undefined)
    .flatMap((channel) => [channel.opener, channel.acceptor].map((node) => ({ channel, node })))
    .flatMap(({ channel, node }) => {
      const copy = world.copies.get(node);
      return copy === undefined ? [] : [{ channel, node, copy }];
    });
  const chosen = chances[which % Math.max(1, chances.length)];
  if (chosen === undefined) return false;
  const { channel, node, copy } = chosen;
  const ghost = new Ghost(node, { chain, channelId: channel.channelId, copy });
  if (!ghost.publish()) return false;
  const published = chain.outputSpentBy(channel.funding);
  if (published === undefined) return false;
  world.cheated.set(channel.channelId, { node, txid: txid(published.transaction) });
  world.ghosts.push(ghost);
  return true;
}

/** An open channel; one with HTLCs if there is any. */
function pick(world: World, channel: number): Opened | undefined {
  const open = world.opened.filter(({ channelId }) => !world.isClosed(channelId));
  const busy = open.filter(
    ({ opener, channelId }) => (world.channel(opener, channelId)?.pendingHtlcs ?? 0) > 0,
  );
  const among = busy.length > 0 ? busy : open;
  return among[channel % Math.max(1, among.length)];
}
