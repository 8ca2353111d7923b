import { randomBytes } from "node:crypto";
import type { BlockHeader } from "@fulmen/bitcoin/block";
import { decodeTransaction, encodeTransaction, type Transaction } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type BlockHeight, type ChannelId, msat, sat, type Txid } from "@fulmen/lightning/util";
import { TestNetwork } from "@fulmen/testkit";
import { resolvedWorld, type World, worldWith } from "./chain/world.ts";
import { type BenchResult, median } from "./measuredCase.ts";

const few = 10;
const many = 10_000;
/** Channels that were closed, and of which nothing is left. */
const resolved = 2_000;
const transactionsPerBlock = 3_000;
/** Of one height each round: the later ones take the place of the first. */
const blocksPerRound = 20;
/** By how many milliseconds a block may take longer with many channels than with few. */
const mostMs = 1;

/**
 * What a block costs a node with 10,000 channels in which nothing happens, against one with 10: the time that its
 * monitors and its manager take for a parsed block of 3,000 transactions. At the end one block spends a funding output
 * and reaches a deadline: both must have been noticed. Then how many bytes a monitor's update writes, young and old.
 */
export async function chainBench(rounds: number): Promise<BenchResult> {
  installNodeCrypto();
  const worlds = [worldWith(few), worldWith(many)] as const;
  const transactions = Array.from({ length: transactionsPerBlock }, ordinaryTransaction);
  const perRound = worlds.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    const best = worlds.map(() => Number.POSITIVE_INFINITY);
    for (let block = 0; block < blocksPerRound; block++) {
      for (const [i, { node }] of worlds.entries()) {
        const ms = connect(node, transactions, node.manager.bestBlock.height + (block === 0 ? 1 : 0));
        best[i] = Math.min(best[i] ?? ms, ms);
        node.pump();
      }
    }
    // The first round is a warm-up.
    if (round >= 0) for (const [i, ms] of best.entries()) perRound[i]?.push(ms);
  }
  const [fewMs, manyMs] = perRound.map(median) as [number, number];
  const resolvedMs = resolvedBlock(transactions);
  const eventful = worlds.map((world) => eventfulBlock(world, transactions));
  const bytes = updateBytes(rounds * 100);
  const lower = { better: "lower" } as const;
  return {
    cases: [
      { name: `block, ${few} channels`, unit: "ms", ...lower, ours: fewMs },
      { name: `block, ${many} channels`, unit: "ms", ...lower, ours: manyMs },
      { name: "block, difference", unit: "ms", ...lower, ours: manyMs - fewMs, target: mostMs },
      {
        name: `block, ${resolved} resolved channels`,
        unit: "ms",
        ...lower,
        ours: resolvedMs,
        target: fewMs + mostMs,
      },
      { name: `spend and deadline, ${few} channels`, unit: "ms", ...lower, ours: eventful[0] ?? Number.NaN },
      { name: `spend and deadline, ${many} channels`, unit: "ms", ...lower, ours: eventful[1] ?? Number.NaN },
      { name: "monitor update, mean", unit: "bytes", ...lower, ours: bytes.mean },
      { name: "monitor update, most", unit: "bytes", ...lower, ours: bytes.most },
      { name: "monitor updates above their share", unit: "updates", ...lower, ours: bytes.over, target: 0 },
    ],
    notes: [
      `block: ${transactionsPerBlock} parsed transactions, the fastest of ${blocksPerRound} blocks, nodes in turn; medians of ${rounds} rounds`,
      `a spend and a deadline among ${many} channels were acted on: both commitments seen to, no other channel touched`,
      `monitor update: ${bytes.updates} of one channel, keys and values; its share is 1 KB, and 100 bytes for each HTLC`,
      `monitor update, mean of the first hundred: ${bytes.young.toFixed(0)} bytes, of the last: ${bytes.old.toFixed(0)} bytes`,
    ],
  };
}

/** Milliseconds that the node takes for a block. */
function connect(node: World["node"], transactions: readonly Transaction[], height: number): number {
  const header: BlockHeader = {
    version: 0x2000_0000,
    previous: node.manager.bestBlock.hash,
    merkleRoot: randomBytes(32).toString("hex") as BlockHeader["merkleRoot"],
    time: 1_800_000_000 + height,
    bits: 0x207f_ffff,
    nonce: height,
  };
  const indexed = transactions.map((transaction, index) => ({ index, transaction }));
  const started = performance.now();
  node.chainMonitor.blockConnected(header, indexed, height);
  node.manager.blockConnected(header, indexed, height as BlockHeight);
  return performance.now() - started;
}

/** What a block costs a node that has nothing but closed channels: the fastest of some. */
function resolvedBlock(transactions: readonly Transaction[]): number {
  const node = resolvedWorld(resolved);
  let best = Number.POSITIVE_INFINITY;
  for (let block = 0; block < blocksPerRound; block++) {
    best = Math.min(best, connect(node, transactions, node.manager.bestBlock.height + 1));
    node.pump();
  }
  return best;
}

/** Throws unless the node acts on both, and on nothing else. */
function eventfulBlock(world: World, transactions: readonly Transaction[]): number {
  const { node, closing, closingTransaction, waiting, deadline } = world;
  const others = transactions.slice(1);
  const place = others.length >> 1;
  const ms = connect(node, [...others.slice(0, place), closingTransaction, ...others.slice(place)], deadline);
  node.pump();
  const locks = [...node.chainMonitor.monitors()].flatMap(({ setup, lock }) =>
    lock === undefined ? [] : [[setup.channelId, lock.cause] as const],
  );
  const causes = new Map<ChannelId, string>(locks);
  if (causes.get(closing) !== "funding-spent") throw new Error("the spend was not noticed");
  if (causes.get(waiting) !== "deadline") throw new Error("the deadline was not noticed");
  if (causes.size !== 2) throw new Error(`${causes.size} channels are closing`);
  const closed = node.eventList.flatMap((event) =>
    event.kind === "channel-closed" ? [event.channelId] : [],
  );
  for (const id of [closing, waiting]) {
    if (!closed.includes(id)) throw new Error(`the user was not told of the end of channel ${id}`);
  }
  const published = node.broadcasts.some(({ type }) => type === "unilateral-close");
  if (!published) throw new Error("the commitment with the overdue HTLC was not published");
  return ms;
}

/** A payment's transaction, two inputs and two outputs, as it comes out of a parsed block. */
function ordinaryTransaction(): Transaction {
  const script = (): Uint8Array => Uint8Array.of(0, 20, ...randomBytes(20));
  const input = () => ({
    outPoint: { txid: randomBytes(32).toString("hex") as Txid, index: 1 },
    scriptSig: new Uint8Array(0),
    sequence: 0xffff_fffd,
    witness: [new Uint8Array(randomBytes(71)), new Uint8Array(randomBytes(33))],
  });
  const transaction: Transaction = {
    version: 2,
    inputs: [input(), input()],
    outputs: [
      { value: sat(10_000n), script: script() },
      { value: sat(20_000n), script: script() },
    ],
    locktime: 0,
  };
  return decodeTransaction(encodeTransaction(transaction));
}

/** What the payer's monitor writes while one payment follows another over a channel. */
function updateBytes(payments: number): {
  readonly updates: number;
  readonly mean: number;
  readonly most: number;
  readonly over: number;
  readonly young: number;
  readonly old: number;
} {
  const network = new TestNetwork();
  const [payer, payee] = [network.addNode(), network.addNode()];
  network.connect(payer, payee);
  network.openChannel(payer, payee, { funding: sat(5_000_000n), push: msat(2_000_000_000n) });
  const sizes: number[] = [];
  let over = 0;
  const monitors = payer.chainMonitor;
  const updateWrites = monitors.updateWrites.bind(monitors);
  monitors.updateWrites = (updates) => {
    const writes = updateWrites(updates);
    const size = writes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
    const signed = updates
      .flatMap(({ steps }) => steps)
      .flatMap((step) =>
        step.kind === "holder-commitment" ? (step.commitments[0]?.htlcSignatures ?? []) : [],
      );
    if (size > 1024 * updates.length + 100 * signed.length) over++;
    for (const _ of updates) sizes.push(size / updates.length);
    return writes;
  };
  for (let i = 0; i < payments; i++) {
    const [from, to] = i % 2 === 0 ? [payer, payee] : [payee, payer];
    network.payInvoice(from, to, msat(2_000_000n + BigInt(i)));
  }
  const mean = (some: readonly number[]): number => some.reduce((sum, size) => sum + size, 0) / some.length;
  return {
    updates: sizes.length,
    mean: mean(sizes),
    most: Math.max(...sizes),
    over,
    young: mean(sizes.slice(0, 100)),
    old: mean(sizes.slice(-100)),
  };
}
