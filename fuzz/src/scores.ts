import { DecodeError } from "@fulmen/lightning/codec";
import { edgeAmount, edgeFlag, edgeWord, type RoutingGraph } from "@fulmen/lightning/gossip";
import {
  type ChannelLiquidities,
  decodeLdkScores,
  decodeScores,
  encodeScores,
  ProbabilisticScorer,
} from "@fulmen/lightning/routing";
import {
  concatBytes,
  equalBytes,
  fromHex,
  msat,
  type NodeId,
  type ShortChannelId,
  toHex,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import { Dice } from "@fulmen/testkit/network";
import { mutated } from "./mutate.ts";
import type { FuzzOptions } from "./target.ts";

const nodeIds = ["02", "03"].map((prefix) => `${prefix}${"11".repeat(32)}` as NodeId);
const channels = 4;

/**
 * Stored scores, ours and LDK's, with bytes changed, cut, doubled and swapped: each is read, or refused by a
 * `DecodeError`. What was read can be stored, and gives penalties that are numbers, whatever is learned on top of it.
 */
export function scoresCampaign({ seconds, seed, runs, say }: FuzzOptions): boolean {
  const until = Date.now() + seconds * 1000;
  const graph = smallGraph();
  let taken = 0;
  let run = 0;
  for (; run < runs && Date.now() < until; run++) {
    const dice = new Dice(seed + run);
    const scorer = new ProbabilisticScorer({ graph });
    for (let left = dice.roll(20); left > 0; left--) learn(scorer, dice);
    const isOurs = dice.roll(2) === 0;
    const bytes = mutated(isOurs ? scorer.write() : asLdkWrites(scorer.scores), dice);
    const complaint = complaintAbout(bytes, isOurs, { graph, dice, onTaken: () => taken++ });
    if (complaint === undefined) continue;
    say(`seed ${seed + run}: ${complaint}`);
    say(toHex(bytes));
    return false;
  }
  say(`${run} scores, ${taken} of them read, from seed ${seed}`);
  return true;
}

interface Run {
  readonly graph: RoutingGraph;
  readonly dice: Dice;
  readonly onTaken: () => void;
}

function complaintAbout(
  bytes: Uint8Array,
  isOurs: boolean,
  { graph, dice, onTaken }: Run,
): string | undefined {
  let scores: ChannelLiquidities;
  try {
    scores = isOurs ? decodeScores(bytes) : decodeLdkScores(bytes);
  } catch (error) {
    return error instanceof DecodeError ? undefined : `threw ${String(error)}`;
  }
  onTaken();
  const written = encodeScores(scores);
  if (!equalBytes(encodeScores(decodeScores(written)), written)) return "cannot be stored";
  const scorer = new ProbabilisticScorer({ graph, scores });
  for (let left = 10; left > 0; left--) {
    learn(scorer, dice);
    const edge = dice.roll(2 * channels);
    const penalty = scorer.penaltiesFor(graph).edgePenalty(edge, dice.roll(2 ** 31), dice.roll(2 ** 31));
    if (!(penalty >= 0 && penalty < 2 ** 53)) return `edge ${edge} has penalty ${penalty}`;
  }
  return undefined;
}

function learn(scorer: ProbabilisticScorer, dice: Dice): void {
  const hops = [0, 1].map((place) => ({
    nodeId: nodeIds[dice.roll(2)] ?? nodeIds[place] ?? ("" as NodeId),
    shortChannelId: BigInt(1 + dice.roll(channels)) as ShortChannelId,
  }));
  const path = { hops, finalValue: msat(dice.roll(2 ** dice.roll(32)) + 1) };
  const now = (1_800_000_000 + dice.roll(10_000_000)) as UnixSeconds;
  const failed = hops[dice.roll(2)]?.shortChannelId ?? (0n as ShortChannelId);
  const lessons = [
    () => scorer.paymentPathFailed(path, failed, now),
    () => scorer.paymentPathSuccessful(path, now),
    () => scorer.probeSuccessful(path, now),
    () => scorer.timePassed(now),
  ];
  lessons[dice.roll(lessons.length)]?.();
}

/** As LDK stores them. */
function asLdkWrites(scores: ChannelLiquidities): Uint8Array {
  const entries: Uint8Array[] = [];
  for (let entry = 0; entry < scores.size; entry++) {
    const history = (bound: number) =>
      record(
        0,
        concatBytes(...Array.from(scores.historyOf(2 * entry + bound), (points) => number(points, 2))),
      );
    const time = (place: number) => concatBytes(number(scores.time(entry, place), 8), number(0, 4));
    const records = concatBytes(
      record(0, number(scores.offsets[2 * entry] ?? 0, 8)),
      record(2, number(scores.offsets[2 * entry + 1] ?? 0, 8)),
      record(4, time(0)),
      record(5, withLength(history(0))),
      record(7, withLength(history(1))),
      record(9, time(1)),
      record(11, time(2)),
    );
    entries.push(concatBytes(number(Number(scores.shortChannelIdOf(entry)), 8), withLength(records)));
  }
  return withLength(record(0, concatBytes(number(scores.size, 2), ...entries)));
}

function record(type: number, value: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(type), withLength(value));
}

function withLength(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  return concatBytes(
    length < 0xfd ? number(length, 1) : concatBytes(number(0xfd, 1), number(length, 2)),
    bytes,
  );
}

function number(value: number, size: number): Uint8Array {
  return fromHex(value.toString(16).padStart(2 * size, "0"));
}

/** Channels of two nodes: of nothing, of little, of much, and one of which only the largest HTLC is known. */
function smallGraph(): RoutingGraph {
  const memory = new ArrayBuffer(2 * channels * 64);
  const edgeWords = new Uint32Array(memory);
  const edgeAmounts = new Float64Array(memory);
  for (let edge = 0; edge < 2 * channels; edge++) {
    const slot = edge >>> 1;
    edgeWords[edge * edgeWord.count + edgeWord.source] = edge & 1;
    edgeWords[edge * edgeWord.count + edgeWord.target] = 1 - (edge & 1);
    edgeWords[edge * edgeWord.count + edgeWord.flags] = edgeFlag.usable | edgeFlag.hasTerms;
    edgeWords[edge * edgeWord.count + edgeWord.shortChannelIdLow] = slot + 1;
    edgeAmounts[edge * edgeAmount.count + edgeAmount.capacity] = [0, 1_000, 2 ** 50, -1][slot] ?? 0;
    edgeAmounts[edge * edgeAmount.count + edgeAmount.htlcMaximum] = [0, 999, 2 ** 49, 12_345_678][slot] ?? 0;
  }
  return {
    nodeLimit: 2,
    channelLimit: channels,
    edgeWords,
    edgeAmounts,
    edgesIntoStart: Uint32Array.of(0, channels),
    edgesIntoCount: Uint32Array.of(channels, channels),
    edgesIntoUsable: Uint32Array.of(channels, channels),
    edgesInto: Uint32Array.of(1, 3, 5, 7, 0, 2, 4, 6),
    edgesIntoSource: Uint32Array.of(1, 1, 1, 1, 0, 0, 0, 0),
    nodeFlags: new Uint8Array(2),
    nodeCounter: (id) => (nodeIds.includes(id) ? nodeIds.indexOf(id) : undefined),
    nodeIdOf: (counter) => nodeIds[counter] ?? ("" as NodeId),
    channelSlot: (id) => (id >= 1n && id <= BigInt(channels) ? Number(id) - 1 : undefined),
    shortChannelIdOf: (slot) => BigInt(slot + 1) as ShortChannelId,
  };
}
