import { crypto } from "@fulmen/bitcoin/crypto";
import { ByteWriter } from "@fulmen/bitcoin/transaction";
import { nodeIdOf } from "@fulmen/lightning/util";
import { Dice } from "../network/index.ts";
import { fraction, logNormal, pick } from "./draws.ts";
import {
  type DumpedChannel,
  type DumpedNode,
  type DumpedPolicy,
  type GraphDump,
  numberedChannelId,
} from "./graphDump.ts";

export interface GenerateGraphOptions {
  readonly seed: number;
  /** At least 2. Default 15,000. */
  readonly nodes?: number;
  /** At least one less than nodes. Default 45,000. */
  readonly channels?: number;
}

/**
 * A network that was never there, in the shape of mainnet's of September 2024: a few nodes with very many channels and
 * many with few, amounts and fees over several orders of magnitude, a third of the channels without terms. All nodes
 * are joined to each other, some perhaps by channels that nobody can use. The same options give the same network.
 */
export function generateGraph({ seed, nodes = 15_000, channels = 45_000 }: GenerateGraphOptions): GraphDump {
  if (nodes < 2 || channels < nodes - 1) throw new Error(`${nodes} nodes with ${channels} channels`);
  const dice = new Dice(seed);
  const named = nodesOf(seed, nodes);
  // Every end of every channel so far: who is picked from here is picked by the number of its channels.
  const ends = new Uint32Array(2 * channels);
  const made: DumpedChannel[] = [];
  for (let index = 0; index < channels; index++) {
    const taken = ends.subarray(0, 2 * index);
    const isNew = index < nodes - 1;
    const a = isNew ? index + 1 : pick(dice, taken);
    let b = index === 0 ? 0 : pick(dice, taken);
    // A second channel to itself is none; a few large nodes hold so many ends that this ends soon.
    while (a === b) b = dice.roll(nodes);
    ends.set([a, b], 2 * index);
    made.push(channelBetween(dice, index, ordered(named, a, b)));
  }
  return { nodes: named, channels: made };
}

function nodesOf(seed: number, count: number): readonly DumpedNode[] {
  return Array.from({ length: count }, (_, index) => {
    const secret = crypto().sha256(new ByteWriter(8).u32(seed).u32(index).finish());
    return { nodeId: nodeIdOf(crypto().publicKey(secret)), alias: `node ${index}` };
  });
}

function ordered(nodes: readonly DumpedNode[], a: number, b: number): readonly [number, number] {
  return (nodes[a]?.nodeId ?? "") < (nodes[b]?.nodeId ?? "") ? [a, b] : [b, a];
}

function channelBetween(
  dice: Dice,
  index: number,
  [nodeOne, nodeTwo]: readonly [number, number],
): DumpedChannel {
  const capacity = Math.round(Math.min(Math.max(logNormal(dice, 1_500_000, 1.8), 20_000), 1_000_000_000));
  const kind = fraction(dice);
  return {
    shortChannelId: numberedChannelId(index),
    nodeOne,
    nodeTwo,
    capacity,
    ...(kind < 0.63 && { oneToTwo: policy(dice, capacity) }),
    ...((kind < 0.6 || (kind >= 0.63 && kind < 0.66)) && { twoToOne: policy(dice, capacity) }),
  };
}

function policy(dice: Dice, capacity: number): DumpedPolicy {
  const share = fraction(dice) < 0.75 ? 0.99 : 0.1 + 0.89 * fraction(dice);
  return {
    htlcMinimum: pick(dice, [1, 1, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 10_000]),
    htlcMaximum: Math.round(share * capacity * 1000),
    feeBase: pick(dice, [0, 0, 0, 0, 1, 500, 1000, 1000, 1000, 1000]),
    feeProportionalMillionths:
      fraction(dice) < 0.3 ? dice.roll(2) : Math.round(Math.min(logNormal(dice, 300, 1.6), 100_000)),
    cltvExpiryDelta: pick(dice, [34, 40, 40, 40, 80, 80, 80, 100, 144, 144]),
  };
}
