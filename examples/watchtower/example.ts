import { encodeBlock } from "@fulmen/bitcoin/block";
import { decodeTransaction, type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { KvEntry } from "@fulmen/lightning/chain";
import { chainPositionKey, exportMonitor, monitorPrefix, readChainPosition } from "@fulmen/lightning/storage";
import {
  type Bytes32,
  type ChannelId,
  msat,
  msatToSat,
  present,
  type Sat,
  sat,
  sum,
} from "@fulmen/lightning/util";
import type { TestChain } from "@fulmen/testkit/chain";
import { TestNetwork } from "@fulmen/testkit/network";
import type { TestNode } from "@fulmen/testkit/node";
import { publishOldCommitment } from "./cheater.ts";
import { TowerProcess, type Watching } from "./towerProcess.ts";

/** Where every satoshi of the channel is at the end. */
export interface Outcome {
  readonly capacity: Sat;
  /** What Alice was owed when she died, and what she would have had left by the old commitment. */
  readonly owed: { readonly before: Sat; readonly byOldCommitment: Sat };
  /** What scripts of hers have. */
  readonly alice: Sat;
  /** Outputs of the commitment that nobody has spent: two anchors of 330 satoshis, one of which is Bob's. */
  readonly anchors: readonly Sat[];
  readonly fees: { readonly commitment: Sat; readonly penalties: Sat; readonly sweep: Sat };
  /** What the tower said was beyond Bob's reach. */
  readonly secured: Sat;
  /** Process ids: the story's own, and those of both towers. */
  readonly processes: readonly (number | undefined)[];
}

/** In the chain until it can no longer be undone: what a monitor waits for (`antiReorgDelay`). */
const confirmationsUntilFinal = 6;
const seeds = { alice: 1, bob: 2 };

/** Plays the story; `say` is given each line of it. A crypto provider has to be installed. */
export async function run(say: (line: string) => void): Promise<Outcome> {
  const network = new TestNetwork();
  const { chain } = network;
  const alice = network.addNode({ seed: seeds.alice });
  const bob = network.addNode({ seed: seeds.bob });
  const link = network.connect(alice, bob);
  const capacity = sat(1_000_000);
  const channelId = network.openChannel(alice, bob, { funding: capacity, push: msat(400_000_000) });
  const { funding } = present(alice.manager.listChannels()[0], "the channel");

  const backup = pendingBothWays(network, alice, bob);
  const byOldCommitment = balanceOf(alice, channelId);
  say(`Alice and Bob have a channel of ${capacity} sat. Bob keeps a backup: ${standOf(bob, channelId)}.`);
  endPending(network, alice, bob);
  for (let payment = 0; payment < 3; payment++) network.payInvoice(bob, alice, msat(80_000_000));
  const before = balanceOf(alice, channelId);
  say(`They go on, and he pays: ${standOf(bob, channelId)}.`);

  const exported = exportOf(alice, channelId);
  let tower = new TowerProcess();
  const processes = [process.pid, tower.pid];
  const defend = { kind: "defend", seed: seedBytes(seeds.alice), exported } as const;
  const { height } = await tower.tell(defend);
  say(
    `Alice exports her monitor: ${exported.length} bytes. Process ${tower.pid} watches from block ${height} on.`,
  );
  link.reconnects = false;
  network.cut(link);
  say("Alice's node is dead.");

  publishOldCommitment(seedBytes(seeds.bob), backup, chain);
  const theft = present(chain.outputSpentBy(funding), "the old commitment").transaction;
  chain.mine();
  say(
    `Bob publishes the commitment of his backup, which he has revoked: it is in block ${chain.tip.height}.`,
  );
  try {
    const seen = await feed(tower, chain, height);
    say(`The tower sees it, and answers with ${countOf(seen)}. It dies before anybody hears of them.`);
    await tower.kill();
    tower = new TowerProcess();
    processes.push(tower.pid);
    await tower.tell(defend);
    const again = await feed(tower, chain, height);
    say(`Process ${tower.pid} begins anew from the same bytes and the same blocks, with ${countOf(again)}:`);
    for (const line of again.timeline) say(`    ${line}`);
    const penalties = submitAll(chain, again);
    const last = await followUp(tower, chain, penalties.length);
    say(`After block ${chain.tip.height}:`);
    for (const line of last.timeline) say(`    ${line}`);

    alice.restart();
    const sweep = bringHome(alice, chain);
    const outcome = {
      capacity,
      owed: { before, byOldCommitment },
      alice: coinsOf(alice, chain),
      anchors: unspentOf(theft, chain),
      fees: {
        commitment: feesOf(chain, [theft]),
        penalties: feesOf(chain, penalties),
        sweep: feesOf(chain, sweep),
      },
      secured: last.secured as Sat,
      processes,
    };
    say("Alice's node is back, and takes her own share of the commitment to her wallet.");
    for (const line of ledgerLines(outcome)) say(line);
    return outcome;
  } finally {
    await tower.kill();
  }
}

/** One HTLC each way, which nobody ends; then what Bob's store has of his monitor. */
function pendingBothWays(network: TestNetwork, alice: TestNode, bob: TestNode): readonly KvEntry[] {
  for (const node of [alice, bob]) network.claims(node, "hold");
  network.payInvoice(alice, bob, msat(60_000_000));
  network.payInvoice(bob, alice, msat(50_000_000));
  const [channel] = bob.manager.listChannels();
  return bob.store.entries(monitorPrefix(present(channel, "the channel").channelId));
}

/** Bob fails what he was to get, Alice claims. */
function endPending(network: TestNetwork, alice: TestNode, bob: TestNode): void {
  const held = (node: TestNode) => {
    const events = node.eventList.filter((event) => event.kind === "payment-claimable");
    return present(events.at(-1), "a payment that is held");
  };
  bob.manager.failHtlcBackwards(held(bob).paymentHash);
  const { paymentPreimage } = held(alice).purpose;
  alice.manager.claimFunds(present(paymentPreimage, "a preimage of ours") as Bytes32);
  network.settle();
  for (const node of [alice, bob]) network.claims(node, "claim");
}

/** What a host does after each update, and whenever its tower asks. */
function exportOf(node: TestNode, channelId: ChannelId): Uint8Array {
  const position = readChainPosition(present(node.store.readNow(chainPositionKey), "a place in the chain"));
  if (!position.ok) throw new Error(position.error.text);
  const entries = node.store.entries(monitorPrefix(channelId));
  return exportMonitor({ channelId, position: position.value, entries });
}

/** Gives the tower all blocks above `height`; its last answer, with the broadcasts of all. */
async function feed(tower: TowerProcess, chain: TestChain, height: number): Promise<Watching> {
  let last: Watching | undefined;
  const broadcasts: Watching["broadcasts"][number][] = [];
  for (let next = height + 1; next <= chain.tip.height; next++) {
    const { block } = present(chain.blockAt(next), "a block");
    last = await tower.tell({ kind: "block", bytes: encodeBlock(block) });
    broadcasts.push(...last.broadcasts);
  }
  return { ...present(last, "a block that the tower has not seen"), broadcasts };
}

/** Puts what the tower wants broadcast into the mempool, as Bitcoin nodes do that hear of it. */
function submitAll(chain: TestChain, { broadcasts }: Watching): readonly Transaction[] {
  return broadcasts.map(({ transaction: bytes }) => {
    const transaction = decodeTransaction(bytes);
    const accepted = chain.submit(transaction);
    if (!accepted.ok) throw new Error(`a penalty is not relayed: ${accepted.error.kind}`);
    return transaction;
  });
}

/** Blocks until all is final. */
async function followUp(tower: TowerProcess, chain: TestChain, expected: number): Promise<Watching> {
  let last: Watching | undefined;
  for (let block = 0; block < confirmationsUntilFinal; block++) {
    const [mined] = chain.mine();
    if (block === 0 && mined?.block.transactions.length !== 1 + expected)
      throw new Error("a penalty was left out");
    last = await feed(tower, chain, chain.tip.height - 1);
  }
  return present(last, "a block");
}

/** The node follows the chain to its tip, and what it then sweeps is mined. */
function bringHome(node: TestNode, chain: TestChain): readonly Transaction[] {
  const known = node.broadcasts.length;
  const sweeps = new Map<string, Transaction>();
  for (let block = 0; block < 2 * confirmationsUntilFinal; block++) {
    node.pump();
    chain.mine();
    node.syncChain();
  }
  for (const { transaction, type } of node.broadcasts.slice(known)) {
    if (type === "sweep") sweeps.set(txid(transaction), transaction);
  }
  return [...sweeps.values()];
}

function balanceOf(node: TestNode, channelId: ChannelId): Sat {
  const found = node.manager.listChannels().find((channel) => channel.channelId === channelId);
  return msatToSat(present(found, "the channel").localBalance);
}

function standOf(node: TestNode, channelId: ChannelId): string {
  const found = node.manager.listChannels().find((channel) => channel.channelId === channelId);
  const pending = found?.pendingHtlcs ?? 0;
  const htlcs = pending === 0 ? "" : `, and ${pending} HTLCs are pending`;
  return `${balanceOf(node, channelId)} sat are his${htlcs}`;
}

function coinsOf({ keys, wallet }: TestNode, chain: TestChain): Sat {
  const scripts = [wallet.script, keys.destinationScript(new Uint8Array(32))];
  return sum(scripts.flatMap((script) => chain.coins(script)).map(({ output }) => output.value));
}

/** Outputs that nobody has spent. */
function unspentOf(transaction: Transaction, chain: TestChain): readonly Sat[] {
  const id = txid(transaction);
  return transaction.outputs.flatMap(({ value }, index) => {
    return chain.coin({ txid: id, index }) === undefined ? [] : [value];
  });
}

function feesOf(chain: TestChain, transactions: readonly Transaction[]): Sat {
  return sum(transactions.map((transaction) => present(chain.feeOf(txid(transaction)), "a fee")));
}

function countOf({ broadcasts }: Watching): string {
  return broadcasts.length === 1 ? "one transaction" : `${broadcasts.length} transactions`;
}

function ledgerLines({ capacity, owed, alice, anchors, fees }: Outcome): readonly string[] {
  const { commitment, penalties, sweep } = fees;
  const left = sum(anchors);
  const total = sum([alice, left, commitment, penalties, sweep]);
  const rows: readonly (readonly [string, bigint])[] = [
    ["Alice has", alice],
    ["fee of the commitment", commitment],
    ["fees of the penalties", penalties],
    ["fee of the sweep", sweep],
    [`${anchors.length} anchors that nobody wants`, left],
    ["together", total],
    ["capacity of the channel", capacity],
  ];
  return [
    ...rows.map(([what, amount]) => `${what.padEnd(30)}${String(amount).padStart(9)} sat`),
    `She was owed ${owed.before} sat; by Bob's old commitment she would have got ${owed.byOldCommitment}.`,
  ];
}

/** The seed of a `TestNode` of this number. */
function seedBytes(seed: number): Uint8Array {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(28, seed);
  return bytes;
}
