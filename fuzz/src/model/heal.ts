import { outPointKey } from "@fulmen/bitcoin/primitives";
import { type Balance, claimableBalances } from "@fulmen/lightning/onchain";
import { type ChannelId, toHex } from "@fulmen/lightning/util";
import type { TestNode } from "@fulmen/testkit";
import { claimable, resolve } from "./claims.ts";
import { decideAll } from "./intercepted.ts";
import type { Statement } from "./ledger.ts";
import { payEveryWay } from "./pay.ts";
import { cheatersOf, checkWealth } from "./wealth.ts";
import { ModelError, type Opened, textOf, type World } from "./world.ts";

/** Minutes in which all payments are over: four attempts, for each of which a trampoline node waits for its channels. */
const minutesToEnd = 15;
/** Makes every closing final, and every funding deep enough. */
const blocksToEnd = 8;
/** Delays of both sides, and the longest expiry of an HTLC. */
const mostBlocksToEnd = 500;
/** What a closing may pay to miners at most, in sat: for the highest feerate that the nodes are told. */
const highestClosingFee = 6_000n;

/** Repairs all that a script broke, lets everything end, and checks what must be then. */
export function heal(world: World): void {
  repair(world);
  endPayments(world);
  for (let blocks = 0; blocks < blocksToEnd; blocks++) mine(world);
  endPayments(world);
  check(world);
  payEveryWay(world);
  endPayments(world);
  check(world);
}

/** The same where channels may have ended on the chain: until each satoshi has come home. */
export function healEnds(world: World): void {
  repair(world);
  // What is too little for high feerates comes home, too.
  for (const node of world.network.nodes) world.setFeerate(node, 0);
  for (let blocks = 0; !isOver(world); blocks++) {
    if (blocks > mostBlocksToEnd) throw new ModelError(`it does not end: ${open(world).join("; ")}`);
    if (blocks % 10 === 0) world.network.passTime(1);
    resolveAll(world);
    mine(world);
  }
  for (let blocks = 0; blocks < blocksToEnd; blocks++) mine(world);
  world.ledger.checkEnded(new Set([...cheatersOf(world)].map((node) => world.nameOf(node))));
  for (const statement of world.ledger.statements) {
    const opened = openedOf(world, statement);
    if (!world.isClosed(opened.channelId)) checkOpen(world, opened, statement);
  }
  for (const node of world.network.nodes) checkRefused(world, node);
  checkWealth(world);
}

function repair(world: World): void {
  const { network } = world;
  world.spare();
  for (const node of network.nodes) world.mend(node);
  for (const link of network.links) link.reconnects = true;
  for (const node of network.nodes) node.syncChain();
  settle(world);
}

function settle(world: World): void {
  world.network.settle();
  world.observe();
}

function mine(world: World): void {
  world.mine();
  settle(world);
  if (world.ends) world.checkClaims();
}

/** Users pass on what waits for them, claim every other payment and refuse the rest. */
function resolveAll(world: World): void {
  decideAll(world);
  for (const one of claimable(world)) {
    const isEven = Number.parseInt(one.payment.paymentHash.slice(0, 2), 16) % 2 === 0;
    resolve(world, one, isEven ? "claim" : "fail");
  }
  settle(world);
}

/** Time goes by until nothing is under way. */
function endPayments(world: World): void {
  for (let minutes = 0; minutes < minutesToEnd; minutes++) {
    resolveAll(world);
    if (isQuiet(world)) return;
    world.network.passTime(1);
    world.observe();
  }
  throw new ModelError(`payments do not end: ${unfinished(world).join("; ")}`);
}

function isOver(world: World): boolean {
  return claimable(world).length === 0 && open(world).length === 0;
}

/** Payments that have not ended, and what has not come home of closed channels. */
function open(world: World): readonly string[] {
  const owed = world.network.nodes.flatMap((node) => {
    const name = world.nameOf(node);
    const destination = node.keys.destinationScript(new Uint8Array(32));
    const balances = world.opened
      .filter(({ channelId }) => world.isClosed(channelId))
      .flatMap(({ channelId }) => {
        const monitor = node.chainMonitor.monitor(channelId);
        const left = monitor === undefined ? [] : claimableBalances(monitor, destination);
        return left
          .filter(({ kind }) => !isOfCheater(world, channelId, kind))
          .map(({ kind, amount }) => `${name}: ${amount} sat ${kind} of ${channelId}`);
      });
    const outputs = node.sweeper
      .trackedSpendableOutputs()
      .filter(({ status }) => status.kind !== "pending-threshold-confirmations")
      .map(({ descriptor, status }) => `${name}: ${descriptor.output.value} sat ${status.kind}`);
    return [...balances, ...outputs];
  });
  return [...unfinished(world), ...owed];
}

/**
 * An HTLC that its payer, who cheated, does not take back: whoever was to be paid may wait for its preimage for ever.
 */
function isOfCheater({ cheated }: World, channelId: ChannelId, balance: Balance["kind"]): boolean {
  return cheated.has(channelId) && balance === "maybe-preimage-claimable-htlc";
}

function isQuiet(world: World): boolean {
  return claimable(world).length === 0 && unfinished(world).length === 0;
}

function unfinished(world: World): readonly string[] {
  const cheaters = cheatersOf(world);
  return world.network.nodes.flatMap((node) => {
    // It does not know what its own old commitment has done to its payments.
    if (cheaters.has(node)) return [];
    const name = world.nameOf(node);
    const payments = node.manager
      .listRecentPayments()
      .filter(({ kind }) => kind === "pending" || kind === "abandoned")
      .map(({ paymentId, kind }) => `${name}: payment ${paymentId} is ${kind}`);
    const channels = node.manager
      .listChannels()
      .filter(({ channelId, pendingHtlcs }) => pendingHtlcs > 0 && !world.isClosed(channelId))
      .map(
        ({ channelId, state, pendingHtlcs }) => `${name}: ${pendingHtlcs} HTLCs in ${channelId}, ${state}`,
      );
    return [...payments, ...channels];
  });
}

function check(world: World): void {
  world.ledger.checkEnded();
  for (const statement of world.ledger.statements) {
    const opened = openedOf(world, statement);
    if (world.isClosed(opened.channelId)) checkClosed(world, opened, statement);
    else checkOpen(world, opened, statement);
  }
  for (const node of world.network.nodes) checkNode(world, node);
}

function openedOf(world: World, { channelId }: Statement): Opened {
  const opened = world.opened.find((channel) => channel.channelId === channelId);
  if (opened === undefined) throw new ModelError(`channel ${channelId} is in no books but the ledger`);
  return opened;
}

function checkOpen(
  world: World,
  { channelId, opener, acceptor }: Opened,
  { shares, capacity }: Statement,
): void {
  for (const node of [opener, acceptor]) {
    const channel = world.channel(node, channelId);
    const name = world.nameOf(node);
    const own = shares.find((share) => share.name === name)?.balance;
    const other = shares.find((share) => share.name !== name)?.balance;
    if (channel === undefined) throw new ModelError(`${name} has forgotten channel ${channelId}`);
    const { localBalance, remoteBalance, isUsable, state } = channel;
    if (localBalance !== own || remoteBalance !== other) {
      const text = `${localBalance} and ${remoteBalance} msat, and should have ${own} and ${other}`;
      throw new ModelError(`${name} has ${text} in channel ${channelId} of ${capacity} sat`);
    }
    if (!isUsable) throw new ModelError(`${name} cannot use channel ${channelId}, which is ${state}`);
  }
}

/** The opener pays the fee; fractions of a satoshi and dust go to the miner with it. */
function checkClosed(
  world: World,
  { channelId, opener, funding }: Opened,
  { shares, capacity }: Statement,
): void {
  const { chain, nodes } = world.network;
  const spender = chain.outputSpentBy(funding);
  if (spender?.block === undefined)
    throw new ModelError(`channel ${channelId} is closed and its coin not spent`);
  const { outputs } = spender.transaction;
  const fee = outputs.reduce((left, { value }) => left - value, capacity);
  for (const { name, balance } of shares) {
    const node = nodes.find((each) => world.nameOf(each) === name);
    const script = toHex(node?.keys.shutdownScript() ?? new Uint8Array(0));
    const paid = outputs.reduce(
      (sum, output) => (toHex(output.script) === script ? sum + output.value : sum),
      0n,
    );
    const due = balance / 1_000n;
    const isDust = paid === 0n && due < 354n + (node === opener ? highestClosingFee : 0n);
    const isRight = node === opener ? paid <= due && paid + fee >= due : paid === due;
    if (!isRight && !isDust)
      throw new ModelError(`${name} got ${paid} of ${due} sat from channel ${channelId}`);
  }
  if (fee > highestClosingFee + 354n) throw new ModelError(`closing channel ${channelId} cost ${fee} sat`);
}

function checkNode(world: World, node: TestNode): void {
  const name = world.nameOf(node);
  const fundings = new Set(world.opened.map(({ funding }) => outPointKey(funding)));
  for (const { type, transaction } of node.broadcasts) {
    // Who accepted a channel that its opener gave up does not know whether its coin is there.
    const ends = transaction.inputs.some(({ outPoint }) => fundings.has(outPointKey(outPoint)));
    if (ends && type !== "cooperative-close") throw new ModelError(`${name} has ended a channel by ${type}`);
  }
  checkRefused(world, node);
  for (const { channelId, state, isUsable } of node.manager.listChannels()) {
    if (world.ledger.isOpened(channelId) || !isUsable) continue;
    throw new ModelError(`${name} has a channel ${channelId} that is ${state} and was never published`);
  }
}

function checkRefused(world: World, node: TestNode): void {
  for (const { type, refusal } of node.broadcaster.takeRefused())
    if (isMalformed(refusal.kind))
      throw new ModelError(
        `nobody relays ${world.nameOf(node)}'s ${type}: ${JSON.stringify(refusal, textOf)}`,
      );
}

function isMalformed(refusal: string): boolean {
  return ["script", "malformed", "dust", "non-standard", "min-fee-not-met", "outputs-exceed-inputs"].includes(
    refusal,
  );
}
