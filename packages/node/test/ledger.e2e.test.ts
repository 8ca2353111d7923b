import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ChannelId, msat, sat, sum } from "@fulmen/lightning/util";
import { type Node, NodeError } from "@fulmen/node";
import { booked, Playfield, until } from "./support/playfield.ts";

// Three nodes in a row, payments drawn by a seed over one and two hops, then ends of several kinds. After each step the
// books of each node say what it has; in the end the three have together what they were given, less what miners got.

const seed = 7;
const payments = 10;
const given = 3n * 4_000_000n;
const field = new Playfield();
let nodes: readonly [Node, Node, Node];
let feesBefore: bigint;

before(async () => {
  const config = { acceptForwardsToPrivChannels: true };
  const [alice, bob, carol] = [
    await field.start("alice", { config }),
    await field.start("bob", { config }),
    await field.start("carol", { config }),
  ];
  nodes = [alice, bob, carol];
  for (const node of nodes) await field.fund(node, sat(4_000_000));
  feesBefore = field.chain.totalFees;
});
after(() => field.stop());

/** Numbers that look random, the same in each run. */
function dice(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

async function booksFit(step: string): Promise<void> {
  for (const node of nodes) {
    const { alias } = node.status();
    await until(() => booked(node) === node.balances().total, `${step}: the ledger of ${alias} fits`);
    const accounts = node.ledgerAccounts();
    assert.equal(
      [...accounts.values()].reduce((sum, amount) => sum + amount, 0n),
      0n,
      `${step}: ${alias}`,
    );
    assert.equal(accounts.get("unexplained"), undefined);
  }
}

async function open(from: Node, to: Node): Promise<ChannelId> {
  const request = { peer: to.uri, amount: sat(1_500_000), push: msat(300_000_000) };
  const before = to.status().channels.usable;
  const opening = from.openChannel({ ...request, untilUsable: true });
  await until(() => field.chain.mempool.length > 0, "the funding");
  await field.mine(6);
  const { channelId } = await opening;
  await until(() => to.status().channels.usable === before + 1, "usable on both sides");
  return channelId;
}

async function pay(from: Node, to: Node, amount: bigint): Promise<void> {
  const { invoice } = await to.receive({ amount: msat(amount) });
  try {
    assert.equal((await from.pay(invoice)).status, "succeeded");
  } catch (error) {
    // What is drawn may be more than a channel has: then nothing moves.
    assert.ok(error instanceof NodeError && error.code === "payment-failed", String(error));
  }
  await until(
    () => nodes.every((node) => node.channels().every(({ htlcs }) => htlcs.length === 0)),
    "no HTLC",
  );
}

async function mineUntil(isSo: () => boolean, step: string): Promise<void> {
  for (let blocks = 0; !isSo(); blocks += 12) {
    assert.ok(blocks < 400, step);
    await field.mine(12);
    await booksFit(`${step}, block ${field.chain.tip.height}`);
  }
}

test(`${payments} payments (seed ${seed}), a forced close with a payment under way, and an agreed one`, async () => {
  const [alice, bob, carol] = nodes;
  const first = await open(alice, bob);
  const second = await open(bob, carol);
  await booksFit("opened");

  const draw = dice(seed);
  for (let n = 0; n < payments; n++) {
    const [from, to] = [draw(3), draw(2)];
    const others = nodes.filter((_, place) => place !== from);
    await pay(nodes[from] ?? alice, others[to] ?? bob, BigInt(1 + draw(250_000_000)));
    await booksFit(`payment ${n}`);
  }
  const earned = bob.ledgerAccounts().get("fees/routing-earned") ?? 0n;
  assert.ok(earned < 0n, "bob forwarded something");

  // Bob has a payment in his hands when Alice closes by force: he takes it from her commitment.
  const held = await bob.receive({ amount: msat(50_000_000), hold: true });
  const paying = alice.pay(held.invoice);
  await until(async () => (await bob.payment(held.paymentHash))?.status === "held", "the payment is held");
  await alice.forceCloseChannel(first);
  await until(() => field.chain.mempool.length > 0, "the commitment");
  await field.mine(1);
  await booksFit("the commitment is confirmed");
  assert.equal((await bob.claim(held.paymentHash)).status, "succeeded");
  await until(() => field.chain.mempool.length > 0, "the claim");
  await field.mine(1);
  assert.equal((await paying).status, "succeeded");
  await booksFit("the claim is confirmed");

  await carol.closeChannel(second);
  await until(() => field.chain.mempool.length > 0, "the closing transaction");
  const isSweepBroadcast = () =>
    carol.balances().closing.some(({ explanation }) => /was broadcast$/.test(explanation));
  const sweep = () => carol.balances().onchain.pending.find(({ reason }) => reason === "sweep");
  for (let blocks = 0; !isSweepBroadcast() && sweep() === undefined; blocks++) {
    assert.ok(blocks < 20, "the sweep");
    await field.mine(1);
  }
  await until(() => sweep() !== undefined, "the wallet sees the sweep");
  assert.match(sweep()?.explanation ?? "", /is in the mempool/);
  await mineUntil(() => nodes.every((node) => node.balances().closing.length === 0), "all closed");
  await field.mine(1);
  const total = nodes.reduce((sum, node) => sum + node.balances().total, 0n);
  const fees = field.chain.totalFees - feesBefore;
  // Anchors of 330 sat that nobody needed stay on the chain for whoever wants them.
  const anchors = field.chain.coins().filter(({ output }) => output.value === 330n);
  assert.ok(anchors.length <= 2);
  const left = sum(anchors.map(({ output }) => output.value));
  assert.equal(total, (given - fees - left) * 1_000n, "nothing is lost but fees");
});
