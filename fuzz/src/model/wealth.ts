import { outPointKey } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { type Txid, toHex } from "@fulmen/lightning/util";
import type { TestNode } from "@fulmen/testkit";
import { coinsOf, scriptsOf } from "./coins.ts";
import { ModelError, type World } from "./world.ts";

/** In sat, for each channel that ended on the chain: anchors, outputs too small to be made, fractions. */
const slackPerChannel = 3_000n;
/** In sat, for each payment that may have been too small for an output. */
const slackPerDust = 330n;
/** In sat: anchors, which nobody needs to take. */
const mostLeftBehind = 330n;

/**
 * What the nodes have, on the chain and in channels, is what the ledger says, less fees that are theirs to pay: of
 * commitments and closings the opener's, of all other transactions those of whoever they pay. Who cheated may have
 * less, and who was cheated more.
 */
export function checkWealth(world: World): void {
  const flows = flowsOf(world);
  const closed = BigInt(world.opened.filter(({ channelId }) => world.isClosed(channelId)).length);
  const slack = closed * slackPerChannel + BigInt(world.ledger.counts.ordered) * slackPerDust;
  const cheaters = cheatersOf(world);
  let missing = 0n;
  for (const [index, node] of world.network.nodes.entries()) {
    const due = (world.wealth[index] ?? 0n) * 1_000n + sharesOf(world, node);
    const has = coinsOf(world.network.chain, node) + channelsOf(world, node) / 1_000n;
    const lost = due / 1_000n - has;
    missing += lost;
    const unexplained = lost - (flows.fees.get(node) ?? 0n);
    const name = world.nameOf(node);
    const text = `${name} should have ${due} msat and has ${has} sat; ${flows.fees.get(node) ?? 0n} sat are fees`;
    if (unexplained > slack && !cheaters.has(node)) throw new ModelError(text);
    if (unexplained < -slack && cheaters.size === 0) throw new ModelError(text);
  }
  const rounding = 2n * closed + 3n;
  const difference = missing - flows.total - flows.left;
  if (difference > rounding || difference < -rounding)
    throw new ModelError(
      `${missing} sat are missing, ${flows.total} went to miners, ${flows.left} are left behind`,
    );
}

/** Whose copy of a channel has confirmed. */
export function cheatersOf({ network, cheated, opened }: World): ReadonlySet<TestNode> {
  const cheaters = new Set<TestNode>();
  for (const { channelId, funding } of opened) {
    const cheat = cheated.get(channelId);
    const spender = network.chain.outputSpentBy(funding);
    if (cheat !== undefined && spender !== undefined && txid(spender.transaction) === cheat.txid)
      cheaters.add(cheat.node);
  }
  return cheaters;
}

/** By the ledger, in msat. */
function sharesOf(world: World, node: TestNode): bigint {
  const name = world.nameOf(node);
  return world.ledger.statements
    .flatMap(({ shares }) => shares)
    .reduce((sum, share) => (share.name === name ? sum + share.balance : sum), 0n);
}

/** In open channels, in msat. */
function channelsOf(world: World, node: TestNode): bigint {
  return world.opened
    .filter(({ channelId }) => !world.isClosed(channelId))
    .reduce((sum, { channelId }) => sum + (world.channel(node, channelId)?.localBalance ?? 0n), 0n);
}

interface Flows {
  readonly fees: ReadonlyMap<TestNode, bigint>;
  readonly total: bigint;
  /** Outputs of commitments and what follows from them that nobody has taken. */
  readonly left: bigint;
}

/** All transactions since the start that fund no channel. */
function flowsOf(world: World): Flows {
  const { chain } = world.network;
  const fees = new Map<TestNode, bigint>();
  let total = 0n;
  let left = 0n;
  const ownerOf = ownersOf(world);
  for (const transaction of transactionsOf(world, ownerOf)) {
    const id = txid(transaction);
    const fee = chain.feeOf(id) ?? 0n;
    total += fee;
    const payer = payerOf({ world, ownerOf }, transaction);
    if (payer !== undefined) fees.set(payer, (fees.get(payer) ?? 0n) + fee);
    for (const [index, { value, script }] of transaction.outputs.entries()) {
      if (chain.coin({ txid: id, index }) === undefined || ownerOf(script) !== undefined) continue;
      // Of one's own old commitment one takes nothing; and it may never have been revoked.
      if (value > mostLeftBehind && !isCheat(world, id) && !isLeftToCheater(world, transaction))
        throw new ModelError(`nobody has taken ${value} sat of ${id}`);
      left += value;
    }
  }
  return { fees, total, left };
}

function isCheat({ cheated }: World, id: Txid): boolean {
  return [...cheated.values()].some((cheat) => cheat.txid === id);
}

/**
 * Made by a cheater on an old commitment that was never revoked: it does not know of it, and nobody else may take it.
 */
function isLeftToCheater({ cheated, opened }: World, { inputs }: Transaction): boolean {
  return [...cheated].some(([channelId, { node, txid }]) => {
    if (!inputs.some(({ outPoint }) => outPoint.txid === txid)) return false;
    const channel = opened.find((one) => one.channelId === channelId);
    const cheatedNode = channel?.opener === node ? channel.acceptor : channel?.opener;
    const spender = cheatedNode?.chainMonitor.monitor(channelId)?.chain.fundingSpend?.spender;
    return spender?.kind !== "revoked-commitment";
  });
}

/** Transactions that spend fundings, wallets' coins, or what comes from those. */
function transactionsOf(world: World, ownerOf: Owner): readonly Transaction[] {
  const { chain } = world.network;
  const ours = new Set(world.opened.map(({ funding }) => outPointKey(funding)));
  const found: Transaction[] = [];
  const known = new Set<Txid>();
  for (let height = 0; height <= chain.tip.height; height++) {
    for (const transaction of chain.blockAt(height)?.block.transactions ?? []) {
      const id = txid(transaction);
      const spends = transaction.inputs.some(
        ({ outPoint }) =>
          ours.has(outPointKey(outPoint)) || (height > world.start && known.has(outPoint.txid)),
      );
      if (spends) {
        found.push(transaction);
        known.add(id);
      } else if (transaction.outputs.some(({ script }) => ownerOf(script) !== undefined)) known.add(id);
    }
  }
  return found;
}

function payerOf(
  among: { readonly world: World; readonly ownerOf: Owner },
  transaction: Transaction,
  depth = 0,
): TestNode | undefined {
  const { world, ownerOf } = among;
  const { chain } = world.network;
  const spent = new Set(transaction.inputs.map(({ outPoint }) => outPointKey(outPoint)));
  const channel = world.opened.find(({ funding }) => spent.has(outPointKey(funding)));
  if (channel !== undefined) return channel.opener;
  const id = txid(transaction);
  for (const [index, { script }] of transaction.outputs.entries()) {
    const owner = ownerOf(script);
    if (owner !== undefined) return owner;
    const spender = chain.outputSpentBy({ txid: id, index });
    const next = spender && depth < 5 ? payerOf(among, spender.transaction, depth + 1) : undefined;
    if (next !== undefined) return next;
  }
  return undefined;
}

/** Whose coin an output is; for those of contracts, nobody's. */
type Owner = (script: Uint8Array) => TestNode | undefined;

function ownersOf({ network }: World): Owner {
  const owners = new Map<string, TestNode>();
  for (const node of network.nodes) for (const script of scriptsOf(node)) owners.set(toHex(script), node);
  return (script) => owners.get(toHex(script));
}
