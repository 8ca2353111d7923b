import { formatNames } from "@fulmen/lightning/commitment";
import { ApiError } from "@fulmen/lightning/manager";
import type { PaymentId } from "@fulmen/lightning/util";
import type { TestLink, TestNode, Wire } from "@fulmen/testkit";
import { claimable, resolve } from "./claims.ts";
import { end } from "./end.ts";
import { failIntercepted, forwardIntercepted } from "./intercepted.ts";
import { pay } from "./pay.ts";
import type { Action } from "./script.ts";
import type { World } from "./world.ts";

/**
 * So few that no deadline comes: a spontaneous payment leaves its payee 42 blocks, and 36 are for claiming on chain.
 */
const mostBlocks = 5;
const mostOpenings = 8;
const mostOnLink = 3;

/**
 * Does one action, and lets the nodes do what follows from it without hearing from each other. `false`: nothing to do.
 */
export function perform(world: World, action: Action): boolean {
  const done = act(world, action);
  if (done) world.pump();
  return done;
}

function act(world: World, action: Action): boolean {
  const { network } = world;
  switch (action.kind) {
    case "pay":
      return pay(world, action);
    case "claim":
      return onClaimable(world, action.which, "claim");
    case "fail-back":
      return onClaimable(world, action.which, "fail");
    case "forward-intercepted":
      return forwardIntercepted(world, action.which, action.channel);
    case "fail-intercepted":
      return failIntercepted(world, action.which);
    case "abandon":
      return abandon(world, action.which);
    case "deliver":
      return deliver(world, action.wire, action.count + 1);
    case "drain":
      return deliver(world, action.wire, Number.POSITIVE_INFINITY);
    case "settle":
      network.settle();
      return true;
    case "cut": {
      const link = world.link(action.link);
      if (link.connectionId === undefined) return false;
      network.cut(link);
      return true;
    }
    case "restore":
      return restore(world, world.link(action.link), action.rounds);
    case "crash":
      network.crash(world.node(action.node), { losesSent: action.loses % 2 === 1 });
      return true;
    case "crash-at":
      world.crashAfter(world.node(action.node), action.points, action.loses % 2 === 1);
      return true;
    case "hold-commits": {
      const node = world.node(action.node);
      const held = node.holdsCommits;
      node.holdsCommits = true;
      return !held;
    }
    case "commit":
    case "release-commits":
      return letCommit(world, action.which, action.kind === "commit");
    case "hold-updates":
    case "complete-update":
    case "release-updates":
    case "restart-watch":
      return disturbWatch(world, action);
    case "fail-commit":
      world.node(action.node).storeFault = "fails";
      return true;
    case "lose-answer":
      world.node(action.node).storeFault = "loses-answer";
      return true;
    case "thaw":
      return thaw(world);
    case "feerate":
      world.setFeerate(world.node(action.node), action.level);
      return true;
    case "tick":
      if (!world.ends && isNegotiating(world.node(action.node))) return false;
      network.now += 60;
      world.node(action.node).tick();
      return true;
    case "mine":
    case "sync":
    case "reorg":
      return moveChain(world, action);
    case "open":
      return open(world, action);
    case "close":
      return close(world, action);
    case "force-close":
    case "remember":
    case "cheat":
    case "mine-many":
      return world.ends && end(world, action);
  }
}

function onClaimable(world: World, which: number, how: "claim" | "fail"): boolean {
  const payments = claimable(world);
  const payment = payments[which % Math.max(1, payments.length)];
  if (payment === undefined) return false;
  resolve(world, payment, how);
  return true;
}

function abandon({ orders }: World, which: number): boolean {
  const order = orders.at(-1 - (which % Math.max(1, orders.length)));
  return order?.payer.manager.abandonPayment(order.paymentHash as string as PaymentId) ?? false;
}

/** Several pieces of bytes reach a node before it does anything about them. */
function deliver({ network }: World, which: number, count: number): boolean {
  const full: { readonly link: TestLink; readonly wire: Wire }[] = [];
  for (const link of network.links)
    for (const wire of link.wires)
      if (link.connectionId !== undefined && !wire.paused && (wire.chunks.length > 0 || wire.closing))
        full.push({ link, wire });
  const chosen = full[which % Math.max(1, full.length)];
  if (chosen === undefined) return false;
  const { link, wire } = chosen;
  for (let i = Math.min(count, wire.chunks.length); i > 0; i--) network.deliver(link, wire);
  if (wire.chunks.length === 0 && wire.closing) network.deliver(link, wire);
  return true;
}

/** A closing that makes no progress for two minutes is given up; here, messages may well take longer. */
function isNegotiating(node: TestNode): boolean {
  return node.manager.listChannels().some(({ state }) => state === "negotiating");
}

function restore(world: World, link: TestLink, rounds: number): boolean {
  // A node whose store fails lets nobody in.
  if (link.a.isFrozen || link.b.isFrozen) return false;
  const { network } = world;
  if (!network.reconnect(link)) return false;
  for (let round = 0; round < rounds; round++) {
    for (const wire of link.wires) network.deliver(link, wire);
    world.pump();
  }
  return true;
}

/** One of the nodes whose commits are held commits what waits, or only the batch that is under way. */
function letCommit({ network }: World, which: number, one: boolean): boolean {
  const held = network.nodes.filter((node) => node.holdsCommits);
  const node = held[which % Math.max(1, held.length)];
  if (node === undefined || (one && !node.isCommitting)) return false;
  node.holdsCommits = false;
  if (!one) return true;
  network.step(node);
  node.holdsCommits = true;
  return true;
}

type WatchAction = Extract<
  Action,
  { readonly kind: "hold-updates" | "complete-update" | "release-updates" | "restart-watch" }
>;

function disturbWatch(world: World, action: WatchAction): boolean {
  switch (action.kind) {
    case "hold-updates": {
      const late = world.network.nodes.filter(({ lateWatch }) => lateWatch !== undefined);
      const node = late[action.node % Math.max(1, late.length)];
      if (node === undefined || node.holdsUpdates) return false;
      node.holdsUpdates = true;
      return true;
    }
    case "restart-watch": {
      const { lateWatch } = world.node(action.node);
      lateWatch?.restart();
      return lateWatch !== undefined;
    }
    case "complete-update":
    case "release-updates": {
      const held = world.network.nodes.filter(({ lateWatch, holdsUpdates }) => lateWatch && holdsUpdates);
      const node = held[action.which % Math.max(1, held.length)];
      if (node === undefined) return false;
      if (action.kind === "complete-update") return node.lateWatch?.complete(action.channel) ?? false;
      node.holdsUpdates = false;
      return true;
    }
  }
}

function thaw({ network }: World): boolean {
  const frozen = network.nodes.filter((node) => node.isFrozen);
  for (const node of frozen) node.thaw();
  return frozen.length > 0;
}

type ChainAction = Extract<Action, { readonly kind: "mine" | "sync" | "reorg" }>;

function moveChain(world: World, action: ChainAction): boolean {
  const { chain, nodes } = world.network;
  if (action.kind === "sync") return world.node(action.node).syncChain();
  if (world.ends && action.kind !== "reorg") return false;
  if (world.ends) world.mendAll();
  const before = chain.tip.height;
  if (action.kind === "mine") {
    if (world.blocks + 1 > mostBlocks) return false;
    chain.mine();
  } else {
    const depth = (action.depth % 3) + 1;
    if ((!world.ends && world.blocks + 2 > mostBlocks) || !world.mayAbandon(depth)) return false;
    world.reorg(depth, world.ends && action.drops % 2 === 1);
    if (action.refills % 2 === 1) chain.mine();
  }
  world.blocks += chain.tip.height - before;
  for (const [index, node] of nodes.entries())
    if (world.ends || (action.sees >> index) % 2 === 1) node.syncChain();
  return true;
}

function open(world: World, action: Extract<Action, { readonly kind: "open" }>): boolean {
  const { link, opener, announced } = action;
  if (world.openings >= mostOpenings || world.openOn(world.link(link)).length >= mostOnLink) return false;
  const format = formatNames[action.format % formatNames.length];
  const capacity = [50_000, 300_000, 2_000_000][action.capacity % 3];
  const pushed = [0, 300, 700][action.pushed % 3];
  if (format === undefined || capacity === undefined || pushed === undefined) return false;
  return isTaken(() =>
    world.open({ link, opener, format, capacity, pushed, announced: announced % 2 === 1 }),
  );
}

function close(world: World, { channel, closer }: Extract<Action, { readonly kind: "close" }>): boolean {
  const channels = world.opened.filter(({ channelId }) => !world.isClosed(channelId));
  const chosen = channels[channel % Math.max(1, channels.length)];
  if (chosen === undefined) return false;
  const node = closer % 2 === 0 ? chosen.opener : chosen.acceptor;
  return isTaken(() => node.manager.closeChannel(chosen.channelId));
}

/** Whether a call was carried out that the node may refuse. */
function isTaken(call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if (error instanceof ApiError && refusals.has(error.code)) return false;
    throw error;
  }
}

const refusals: ReadonlySet<string> = new Set([
  "peer-not-connected",
  "channel-refused",
  "channel-unavailable",
]);
