import { txid } from "@fulmen/bitcoin/transaction";
import { ApiError, ChainMonitor } from "@fulmen/lightning/manager";
import { monitorsPrefix, restoreMonitors } from "@fulmen/lightning/storage";
import { blockHeight, feeratePerKw } from "@fulmen/lightning/util";
import { Bumper, type TestNode } from "@fulmen/testkit";
import type { Action } from "./script.ts";
import { ModelError, type Opened, type World } from "./world.ts";

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
      if (node.lateWatch !== undefined) return false;
      world.copies.set(node, node.store.entries(monitorsPrefix));
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
  const { network } = world;
  if (world.blocks + blocks > mostBlocks) return false;
  world.blocks += blocks;
  for (let i = 0; i < blocks; i++) {
    world.mendAll();
    network.chain.mine();
    for (const node of network.nodes) node.syncChain();
    world.pump();
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
  publish(world, node, { ...channel, copy });
  const published = chain.outputSpentBy(channel.funding);
  if (published === undefined) return false;
  world.cheated.set(channel.channelId, { node, txid: txid(published.transaction) });
  return true;
}

function publish(
  { network }: World,
  node: TestNode,
  { channelId, copy }: Opened & { readonly copy: Parameters<typeof restoreMonitors>[0] },
): void {
  const monitors = restoreMonitors(copy);
  if (!monitors.ok) throw new ModelError(monitors.error.text);
  const signerProvider = node.keys.keys;
  const logger = { log: () => {} };
  const copied = new ChainMonitor(
    {
      signerProvider,
      broadcaster: node.broadcaster,
      feeEstimator: { feerate: () => feeratePerKw(2_000) },
      logger,
    },
    { bestHeight: blockHeight(network.chain.tip.height), monitors: monitors.value },
  );
  const latest = copied.latestUpdateId(channelId);
  if (latest === undefined) return;
  const steps = [{ kind: "channel-force-closed", broadcast: true }] as const;
  copied.updateChannel({ channelId, updateId: latest + 1, after: [], steps });
  copied.takeWrites(1);
  copied.committed(1);
  const bumper = new Bumper({ wallet: node.wallet, signerProvider, logger });
  for (const event of copied.takeBumpEvents())
    for (const { transactions, type } of bumper.answer(event))
      node.broadcaster.broadcastTransactions(transactions, type);
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
