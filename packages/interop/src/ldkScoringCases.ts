import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fromHex, toHex } from "@fulmen/bitcoin/primitives";
import * as ldk from "lightningdevkit";
import { loadLdk } from "./ldkRuntime.ts";

// Asks LDK's ProbabilisticScorer for its penalties after many small histories, and writes them to fixtures/scoring,
// where a test of ours compares. Run it again by hand: node --conditions=@fulmen/source
// packages/interop/src/ldkScoringCases.ts

/** Points of small multiples of the generator, sorted. */
const nodes = [
  "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
  "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5",
  "02e493dbf1c10d80f3581e4904930b1404cc6c13900ee0758474fa94abe8c4cd13",
  "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9",
];

/** A capacity is told to LDK with each question; its graph learns the largest HTLC of each direction only. */
const channels = [
  { id: 1000, one: 0, two: 1, capacity: 1_000_000_000, htlcMaxima: [990_000_000, 990_000_000] },
  { id: 1001, one: 1, two: 2, capacity: 50_000_000, htlcMaxima: [20_000_000, 24_999_999] },
  { id: 1002, one: 2, two: 3, capacity: -1, htlcMaxima: [3_000_000_000, 200_000_000] },
  { id: 1003, one: 1, two: 3, capacity: 10_000_000_000, htlcMaxima: [5_000_000_000, 4_999_999_999] },
  { id: 1004, one: 0, two: 2, capacity: 167_772_150_001, htlcMaxima: [83_886_075_000, 1_000] },
];
type Channel = (typeof channels)[number];

const historyOnly = {
  basePenaltyMsat: 5_120,
  basePenaltyAmountMultiplierMsat: 655_360,
  liquidityPenaltyMultiplierMsat: 0,
  liquidityPenaltyAmountMultiplierMsat: 0,
  historicalLiquidityPenaltyMultiplierMsat: 50_000,
  historicalLiquidityPenaltyAmountMultiplierMsat: 6_250,
  antiProbingPenaltyMsat: 1_250,
  consideredImpossiblePenaltyMsat: 100_000_000_000,
  linearSuccessProbability: false,
};
const boundsOnly = {
  ...historyOnly,
  basePenaltyMsat: 500,
  basePenaltyAmountMultiplierMsat: 8_192,
  liquidityPenaltyMultiplierMsat: 30_000,
  liquidityPenaltyAmountMultiplierMsat: 192,
  historicalLiquidityPenaltyMultiplierMsat: 0,
  historicalLiquidityPenaltyAmountMultiplierMsat: 0,
  antiProbingPenaltyMsat: 0,
};
const parameterSets = {
  default: historyOnly,
  linear: { ...historyOnly, linearSuccessProbability: true },
  bounds: boundsOnly,
  linearBounds: { ...boundsOnly, linearSuccessProbability: true },
  everything: {
    ...historyOnly,
    liquidityPenaltyMultiplierMsat: 1_003,
    liquidityPenaltyAmountMultiplierMsat: 1_733,
  },
};
type Parameters = typeof historyOnly;
type SetName = keyof typeof parameterSets;

const decay = { liquidityOffsetHalfLife: 1_800, historicalNoUpdatesHalfLife: 1_209_600 };

/** What happens: `path` names nodes, from the payer on, and the channels between them. */
type Step =
  | { kind: "failed" | "probe-failed"; path: number[]; amount: number; at: number; now: number }
  | { kind: "successful" | "probe-successful"; path: number[]; amount: number; now: number }
  | { kind: "time-passed"; now: number };

/**
 * `[edge, amount, in flight, penalty by each set]`; an edge is twice the channel's place, and one more for the way
 * back.
 */
type Penalty = readonly [number, number, number, ...number[]];

/** The minimal standard generator of Park and Miller. */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state % limit;
  }

  /** From 1 to about `limit`, small ones as likely as large ones. */
  amount(limit: number): number {
    const scale = 10 ** (this.below(1_000) / 1_000);
    return 1 + Math.floor((limit * scale) / 10 ** (1 + this.below(4)));
  }
}

async function main(): Promise<void> {
  const scenarios = [];
  const graph = graphOf(channels);
  for (let seed = 1; seed <= 12; seed++) {
    scenarios.push(scenario(seed, graph));
    // What LDK gave out is freed between turns only.
    await new Promise(setImmediate);
  }
  const facts = { source: "lightningdevkit 0.1.2-0", nodes, channels, decay, parameterSets, scenarios };
  const target = new URL("../../../fixtures/scoring/ldkPenalties.json", import.meta.url);
  writeFileSync(fileURLToPath(target), `${JSON.stringify(facts)}\n`);
}

function scenario(seed: number, graph: ldk.NetworkGraph) {
  const dice = new Dice(seed * 7_919);
  const scorer = ldk.ProbabilisticScorer.constructor_new(decayOf(), graph, silent);
  const update = scorer.as_ScoreUpdate();
  let now = 1_700_000_000;
  const moments = [];
  const length = seed <= 6 ? 6 : 40;
  for (let i = 0; i < length; i++) {
    // The bindings compute the powers of a decay with 24 bits: whole half lives are exact all the same.
    now += decay.liquidityOffsetHalfLife * ([0, 0, 0, 1, 2, 5][dice.below(6)] ?? 0);
    if (dice.below(25) === 0) {
      now += decay.historicalNoUpdatesHalfLife * (1 + dice.below(3)) + decay.liquidityOffsetHalfLife;
    }
    const step = nextStep(dice, now);
    take(update, step);
    const isAsked = i < 6 || i % 5 === 4;
    moments.push(isAsked ? { step, ...factsOf(scorer, graph, dice) } : { step });
  }
  return { seed, moments, written: toHex(scorer.write()) };
}

function nextStep(dice: Dice, now: number): Step {
  const kinds = [
    "failed",
    "successful",
    "probe-failed",
    "probe-successful",
    "failed",
    "time-passed",
  ] as const;
  const kind = kinds[dice.below(kinds.length)] ?? "failed";
  if (kind === "time-passed") return { kind, now };
  const ways = [
    [0, 1000, 1, 1001, 2, 1002, 3],
    [3, 1002, 2, 1001, 1, 1000, 0],
    [0, 1000, 1, 1003, 3],
    [2, 1004, 0, 1000, 1],
    [0, 1004, 2, 1001, 1, 1003, 3],
  ];
  const path = ways[dice.below(ways.length)] ?? [];
  const amount = dice.amount(dice.below(2) === 0 ? 49_000_000 : 190_000_000);
  if (kind === "successful" || kind === "probe-successful") return { kind, path, amount, now };
  const ids = path.filter((_, i) => i % 2 === 1);
  return { kind, path, amount, at: ids[dice.below(ids.length)] ?? 0, now };
}

function take(update: ldk.ScoreUpdate, step: Step): void {
  const now = BigInt(step.now);
  switch (step.kind) {
    case "failed":
      update.payment_path_failed(pathOf(step), BigInt(step.at), now);
      break;
    case "probe-failed":
      update.probe_failed(pathOf(step), BigInt(step.at), now);
      break;
    case "successful":
      update.payment_path_successful(pathOf(step), now);
      break;
    case "probe-successful":
      update.probe_successful(pathOf(step), now);
      break;
    case "time-passed":
      update.time_passed(now);
      break;
  }
}

function pathOf({ path, amount }: { path: number[]; amount: number }): ldk.Path {
  const hops: ldk.RouteHop[] = [];
  for (let i = 1; i < path.length; i += 2) {
    const isLast = i + 2 === path.length;
    hops.push(
      ldk.RouteHop.constructor_new(
        nodeOf(path[i + 1]),
        ldk.NodeFeatures.constructor_empty(),
        BigInt(path[i] ?? 0),
        ldk.ChannelFeatures.constructor_empty(),
        BigInt(isLast ? amount : 0),
        40,
        true,
      ),
    );
  }
  return ldk.Path.constructor_new(hops, null);
}

/** Penalties of all edges for a few amounts, and what else the scorer tells of them. */
function factsOf(scorer: ldk.ProbabilisticScorer, graph: ldk.NetworkGraph, dice: Dice) {
  const edges = channels.flatMap((channel, place) =>
    [0, 1].map((direction) => ({ channel, edge: 2 * place + direction, direction })),
  );
  const asked = edges.map((edge) => ({ ...edge, usages: usagesOf(dice, edge.channel, edge.direction) }));
  const found = new Map<number, Penalty[]>();
  const lookUp = scorer.as_ScoreLookUp();
  eachCandidate(graph, (candidate) => {
    const id = Number((candidate.globally_unique_short_channel_id() as ldk.Option_u64Z_Some).some);
    const target = toHex(candidate.target().write());
    for (const { channel, edge, direction, usages } of asked) {
      const isIt = channel.id === id && nodes[direction === 0 ? channel.two : channel.one] === target;
      if (!isIt || found.has(edge)) continue;
      found.set(edge, penaltiesOf(lookUp, candidate, { channel, edge, direction, usages }));
    }
  });
  if (found.size !== edges.length) throw new Error(`LDK looked at ${found.size} edges of ${edges.length}`);
  return {
    penalties: edges.flatMap(({ edge }) => found.get(edge) ?? []),
    known: edges.flatMap(({ channel, edge, direction }) => knownOf(scorer, { channel, edge, direction })),
  };
}

function usagesOf(dice: Dice, channel: Channel, direction: number): readonly (readonly [number, number])[] {
  const capacity = capacityOf(channel, direction);
  const within = 1 + Math.floor((capacity / 1_000) * dice.below(1_000));
  return [
    [1_000 + dice.below(1_000_000), 0],
    [within, 0],
    [dice.amount(capacity), Math.floor(capacity / (2 + dice.below(50)))],
    [capacity - dice.below(3), dice.below(3)],
  ];
}

function penaltiesOf(
  lookUp: ldk.ScoreLookUp,
  candidate: ldk.CandidateRouteHop,
  {
    channel,
    edge,
    direction,
    usages,
  }: { channel: Channel; edge: number; direction: number; usages: readonly (readonly [number, number])[] },
): Penalty[] {
  const htlcMaximum = BigInt(channel.htlcMaxima[direction] ?? 0);
  return usages.map(([amount, inFlight]) => {
    const bySet = (Object.keys(parameterSets) as SetName[]).map((name) => {
      const capacity =
        channel.capacity < 0
          ? ldk.EffectiveCapacity.constructor_advertised_max_htlc(htlcMaximum)
          : ldk.EffectiveCapacity.constructor_total(BigInt(channel.capacity), htlcMaximum);
      const usage = ldk.ChannelUsage.constructor_new(BigInt(amount), BigInt(inFlight), capacity);
      return Number(lookUp.channel_penalty_msat(candidate, usage, parametersOf(parameterSets[name])));
    });
    return [edge, amount, inFlight, ...bySet] as const;
  });
}

function knownOf(
  scorer: ldk.ProbabilisticScorer,
  { channel, edge, direction }: { channel: Channel; edge: number; direction: number },
) {
  const target = ldk.NodeId.constructor_from_pubkey(nodeOf(direction === 0 ? channel.two : channel.one));
  const range = scorer.estimated_channel_liquidity_range(BigInt(channel.id), target);
  const buckets = scorer.historical_estimated_channel_liquidity_probabilities(BigInt(channel.id), target);
  if (!(range instanceof ldk.Option_C2Tuple_u64u64ZZ_Some)) return [];
  const capacity = capacityOf(channel, direction);
  const amounts = [17, Math.floor(capacity / 50), Math.floor(capacity / 3), capacity + 1];
  if (!(buckets instanceof ldk.Option_C2Tuple_ThirtyTwoU16sThirtyTwoU16sZZ_Some)) return [];
  return [
    {
      edge,
      range: [Number(range.some.get_a()), Number(range.some.get_b())],
      min: filled(buckets.some.get_a()),
      max: filled(buckets.some.get_b()),
      chances: amounts.map((amount) => [amount, ...chancesOf(scorer, { id: channel.id, target, amount })]),
    },
  ];
}

/** `[place, points]` of the buckets that are not empty. */
function filled(buckets: Uint16Array | number[]): number[][] {
  return [...buckets].map((points, place) => [place, points]).filter(([, points]) => points !== 0);
}

/** The chance of an amount by the history, with the default parameters, and by the present bounds. */
function chancesOf(
  scorer: ldk.ProbabilisticScorer,
  { id, target, amount }: { id: number; target: ldk.NodeId; amount: number },
): number[] {
  const parameters = parametersOf(historyOnly);
  const channel = BigInt(id);
  const past = scorer.historical_estimated_payment_success_probability(
    channel,
    target,
    BigInt(amount),
    parameters,
    true,
  );
  const live = scorer.live_estimated_payment_success_probability(channel, target, BigInt(amount), parameters);
  return [past, live].map((chance) => (chance instanceof ldk.Option_f64Z_Some ? chance.some : -1));
}

/** A search shows its scorer each edge that it looks at: nothing else gives out an edge. */
function eachCandidate(graph: ldk.NetworkGraph, look: (candidate: ldk.CandidateRouteHop) => void): void {
  const spy = ldk.ScoreLookUp.new_impl({
    channel_penalty_msat(candidate) {
      look(candidate);
      return 1n;
    },
  } as ldk.ScoreLookUpInterface);
  for (const payer of nodes.keys()) {
    for (const payee of nodes.keys()) {
      if (payer === payee) continue;
      const wanted = ldk.RouteParameters.constructor_from_payment_params_and_value(
        ldk.PaymentParameters.constructor_from_node_id(nodeOf(payee), 40),
        1_000n,
      );
      const defaults = ldk.ProbabilisticScoringFeeParameters.constructor_default();
      const seed = new Uint8Array(32);
      ldk.UtilMethods.constructor_find_route(nodeOf(payer), wanted, graph, null, silent, spy, defaults, seed);
    }
  }
}

function graphOf(all: readonly Channel[]): ldk.NetworkGraph {
  const graph = ldk.NetworkGraph.constructor_new(ldk.Network.LDKNetwork_Regtest, silent);
  const chainHash = fromHex("06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f");
  for (const { id, one, two, capacity, htlcMaxima } of all) {
    graph.add_channel_from_partial_announcement(
      BigInt(id),
      1_700_000_000n,
      ldk.ChannelFeatures.constructor_empty(),
      nodeOf(one),
      nodeOf(two),
    );
    htlcMaxima.forEach((maximum, direction) => {
      const largest = BigInt(capacity < 0 ? maximum : capacity);
      const update = ldk.UnsignedChannelUpdate.constructor_new(
        chainHash,
        BigInt(id),
        1_700_000_000,
        1,
        direction,
        40,
        0n,
        largest,
        0,
        0,
        new Uint8Array(0),
      );
      const result = graph.update_channel_unsigned(update);
      if (!result.is_ok()) throw new Error(`LDK refuses the terms of channel ${id}`);
    });
  }
  return graph;
}

function capacityOf({ capacity, htlcMaxima }: Channel, direction: number): number {
  return capacity < 0 ? (htlcMaxima[direction] ?? 0) : capacity;
}

function nodeOf(place: number | undefined): Uint8Array {
  return fromHex(nodes[place ?? 0] ?? "");
}

function decayOf(): ldk.ProbabilisticScoringDecayParameters {
  return ldk.ProbabilisticScoringDecayParameters.constructor_new(
    BigInt(decay.historicalNoUpdatesHalfLife),
    BigInt(decay.liquidityOffsetHalfLife),
  );
}

function parametersOf(set: Parameters): ldk.ProbabilisticScoringFeeParameters {
  const parameters = ldk.ProbabilisticScoringFeeParameters.constructor_default();
  parameters.set_base_penalty_msat(BigInt(set.basePenaltyMsat));
  parameters.set_base_penalty_amount_multiplier_msat(BigInt(set.basePenaltyAmountMultiplierMsat));
  parameters.set_liquidity_penalty_multiplier_msat(BigInt(set.liquidityPenaltyMultiplierMsat));
  parameters.set_liquidity_penalty_amount_multiplier_msat(BigInt(set.liquidityPenaltyAmountMultiplierMsat));
  parameters.set_historical_liquidity_penalty_multiplier_msat(
    BigInt(set.historicalLiquidityPenaltyMultiplierMsat),
  );
  parameters.set_historical_liquidity_penalty_amount_multiplier_msat(
    BigInt(set.historicalLiquidityPenaltyAmountMultiplierMsat),
  );
  parameters.set_anti_probing_penalty_msat(BigInt(set.antiProbingPenaltyMsat));
  parameters.set_considered_impossible_penalty_msat(BigInt(set.consideredImpossiblePenaltyMsat));
  parameters.set_linear_success_probability(set.linearSuccessProbability);
  return parameters;
}

await loadLdk();
const silent = ldk.Logger.new_impl({ log: () => {} } as ldk.LoggerInterface);
await main();
process.exit(0);
