import { networks } from "@fulmen/bitcoin/network";
import {
  encodeRapidSnapshot,
  NetworkGraph,
  RapidGossipHistory,
  RapidGossipSync,
  rapidSnapshotSince,
} from "@fulmen/lightning/gossip";
import {
  equalBytes,
  msat,
  type NodeId,
  sat,
  shortChannelId,
  toHex,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import { Dice } from "@fulmen/testkit/network";
import { mutated } from "./mutate.ts";
import type { FuzzOptions } from "./target.ts";

const start = 1_800_000_000 as UnixSeconds;
const later = (start + 3600) as UnixSeconds;
const { genesisHash: chainHash } = networks.regtest;
/** Milliseconds that no snapshot of this size may take. */
const tooLong = 2000;

/** What a run starts from: a snapshot of everything, and what changed after it. */
interface Originals {
  readonly full: Uint8Array;
  readonly delta: Uint8Array;
}

/**
 * Snapshots of rapid gossip sync with bytes changed, cut, doubled and swapped, given to a graph that knows some of it:
 * each is taken in, or refused with the graph as it was, byte for byte; none throws or takes long.
 */
export function rapidGossipCampaign({ seconds, seed, runs, say }: FuzzOptions): boolean {
  const until = Date.now() + seconds * 1000;
  const originals = [1, 2].map((version) => originalsOf(version === 1 ? 1 : 2));
  let taken = 0;
  let run = 0;
  for (; run < runs && Date.now() < until; run++) {
    const dice = new Dice(seed + run);
    const { full, delta } = originals[dice.roll(originals.length)] ?? { full: noBytes, delta: noBytes };
    const changed = mutated(dice.roll(2) === 0 ? full : delta, dice);
    const complaint = complaintAbout(full, changed, () => taken++);
    if (complaint === undefined) continue;
    say(`seed ${seed + run}: ${complaint}`);
    say(toHex(changed));
    return false;
  }
  say(`${run} snapshots, ${taken} of them taken in, from seed ${seed}`);
  return true;
}

const noBytes = new Uint8Array(0);

/** What is wrong with how a graph that knows `full` takes `changed`. */
function complaintAbout(full: Uint8Array, changed: Uint8Array, onTaken: () => void): string | undefined {
  const graph = new NetworkGraph({ chainHash });
  const sync = new RapidGossipSync(graph);
  sync.updateNetworkGraph(full, start);
  const before = graph.write();
  const started = performance.now();
  try {
    const result = sync.updateNetworkGraph(changed, later);
    const took = performance.now() - started;
    if (took > tooLong) return `took ${took.toFixed(0)} ms`;
    const after = graph.write();
    if (!result.ok)
      return equalBytes(before, after)
        ? undefined
        : `refused, and the graph is another: ${result.error.text}`;
    onTaken();
    return NetworkGraph.read(after, { chainHash }).channelCount === graph.channelCount
      ? undefined
      : "cannot be stored";
  } catch (error) {
    return `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
}

function originalsOf(version: 1 | 2): Originals {
  const dice = new Dice(version);
  const graph = new NetworkGraph({ chainHash });
  for (let i = 0; i < 12; i++) addChannel(graph, dice, i);
  const history = RapidGossipHistory.of(graph, start);
  const full = encodeRapidSnapshot(rapidSnapshotSince(history, { version, since: 0 as UnixSeconds }));
  for (let i = 8; i < 16; i++) addChannel(graph, dice, i);
  history.observe(graph, later);
  return { full, delta: encodeRapidSnapshot(rapidSnapshotSince(history, { version, since: start })) };
}

/** Channel `number` between two of nine nodes, or other terms for it. */
function addChannel(graph: NetworkGraph, dice: Dice, number: number): void {
  const id = shortChannelId({ height: 700_000 + number * number, txIndex: number, outputIndex: 0 });
  const ends = [nodeNumber(number % 9), nodeNumber((number * 2 + 1) % 9)].sort() as [NodeId, NodeId];
  const features = number % 5 === 0 ? Features.ofBits([3]) : Features.none;
  const channel = {
    shortChannelId: id,
    nodeOne: ends[0],
    nodeTwo: ends[1],
    features,
    capacity: sat(5_000_000),
  };
  graph.addChannelFromPartialAnnouncement(channel, start);
  for (const fromNodeOne of [true, false]) {
    graph.updateChannelUnsigned(
      {
        shortChannelId: id,
        fromNodeOne,
        enabled: dice.roll(4) > 0,
        lastUpdate: start + number,
        cltvExpiryDelta: dice.roll(200),
        htlcMinimum: msat(dice.roll(2) * 1000),
        htlcMaximum: msat(4_000_000_000 + dice.roll(100)),
        feeBaseMsat: dice.roll(2) * 1000,
        feeProportionalMillionths: dice.roll(1000),
      },
      later,
    );
  }
  for (const nodeId of ends) {
    const addresses = [{ type: "ipv4", host: `10.0.0.${dice.roll(256)}`, port: 9735 }] as const;
    graph.updateNodeUnsigned(
      { nodeId, timestamp: start + number, features: Features.ofBits([dice.roll(3)]), addresses },
      later,
    );
  }
}

function nodeNumber(number: number): NodeId {
  return `02${number.toString(16).padStart(64, "0")}` as NodeId;
}
