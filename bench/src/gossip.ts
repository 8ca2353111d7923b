import { availableParallelism } from "node:os";
import type { GossipSample } from "./gossip/gossipMeasurement.ts";
import { type BenchResult, type MeasuredCase, median } from "./measuredCase.ts";
import { startSide } from "./side.ts";

const channels = 3_000;
const nodes = 1_000;

/** How many messages there are of each kind. */
const counts = { announcements: channels, updates: 2 * channels, nodes } as const;
const all = counts.announcements + counts.updates + counts.nodes;
const signatures = 4 * counts.announcements + counts.updates + counts.nodes;

/** Times LDK's messages a second. */
const leastOnOneThread = 5;
const leastWithPool = 8;
/** Cores that verifying threads are taken to have. */
const usableCores = 2;
/** The threads of the pool; with the one that they work for they share two cores. */
const threads = 2;

/**
 * Signed gossip of a network, from encoded messages into a graph, signatures verified: on one thread by us and by LDK,
 * and by us with a pool of verifying threads, in turn. No UTXOs are looked up.
 */
export async function gossipBench(rounds: number): Promise<BenchResult> {
  const parameters = [String(channels), String(Math.floor(Date.now() / 1_000))];
  const ours = await startSide<GossipSample>("fulmen/gossipProgram", ...parameters);
  const pooled = await startSide<GossipSample>("fulmen/gossipProgram", ...parameters, String(threads));
  const ldk = await startSide<GossipSample>("ldk/gossipProgram", ...parameters, "turns");
  const starved = await startSide<GossipSample>("ldk/gossipProgram", ...parameters);
  const sides = { ours, pooled, ldk, starved };
  const alone = await startSide<number>("fulmen/signaturesProgram", ...parameters);
  const samples: Record<keyof typeof sides, GossipSample[]> = { ours: [], pooled: [], ldk: [], starved: [] };
  const verifications: number[] = [];
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const name of ["ours", "pooled", "ldk", "starved"] as const) {
      const sample = await sides[name].sample(0);
      if (round > 0) samples[name].push(sample);
    }
    const verification = await alone.sample(0);
    if (round > 0) verifications.push(verification);
  }
  for (const side of [...Object.values(sides), alone]) await side.end();
  const rivals = { best: ratesOf(samples.ldk), starved: ratesOf(samples.starved) };
  const verification = median(verifications);
  const ceiling = 1_000_000 / ((signatures / all) * verification);
  const [one, pool] = [ratesOf(samples.ours), ratesOf(samples.pooled)];
  return {
    cases: [
      ...casesOf("one thread", one, rivals, leastOnOneThread),
      ...ceilingCases("one thread", one, ceiling, rivals.best),
      ...casesOf(`pool of ${threads}`, pool, rivals, leastWithPool),
      ...ceilingCases(`pool of ${threads}`, pool, usableCores * ceiling, rivals.best),
    ],
    notes: [
      `${channels} channels, two updates each, ${nodes} nodes, ${signatures} signatures; medians of ${rounds} rounds`,
      `ceiling: if nothing took time but signatures, which take ${verification.toFixed(1)} µs each in a process that does nothing else`,
      "LDK gets a turn of the event loop after each 100 messages; in one go it gets none, and its finalizers do not run",
      `decoded, verified and taken in, without sockets and UTXO lookups; ${availableParallelism()} cores`,
      `CPU for one message: ${cpuOf(samples.ours)} µs, with the pool ${cpuOf(samples.pooled)} µs, LDK ${cpuOf(samples.ldk)} µs`,
    ],
  };
}

type Kind = "announcements" | "updates" | "nodes";
type Rates = Readonly<Record<"all" | Kind, number>>;

/** Messages a second. */
function ratesOf(samples: readonly GossipSample[]): Rates {
  const rate = (count: number, msOf: (sample: GossipSample) => number) =>
    (1_000 * count) / median(samples.map(msOf));
  return {
    all: rate(all, ({ announcements, updates, nodes: ofNodes }) => announcements + updates + ofNodes),
    announcements: rate(counts.announcements, (sample) => sample.announcements),
    updates: rate(counts.updates, (sample) => sample.updates),
    nodes: rate(counts.nodes, (sample) => sample.nodes),
  };
}

/** Microseconds, on all threads. */
function cpuOf(samples: readonly GossipSample[]): string {
  return ((1_000 * median(samples.map(({ cpu }) => cpu))) / all).toFixed(0);
}

const messageNames = {
  all: "all",
  announcements: "channel_announcement",
  updates: "channel_update",
  nodes: "node_announcement",
} as const;

function casesOf(
  name: string,
  ours: Rates,
  { best, starved }: { readonly best: Rates; readonly starved: Rates },
  least: number,
): readonly MeasuredCase[] {
  const against = (kind: keyof Rates, ldk: Rates, about = ""): MeasuredCase => ({
    name: `${name}: ${messageNames[kind]}${about}`,
    unit: "messages/s",
    better: "higher",
    ours: ours[kind],
    rival: { name: "ldk", figure: ldk[kind] },
  });
  return [
    { ...against("all", best), target: least * best.all },
    against("announcements", best),
    against("updates", best),
    against("nodes", best),
    against("all", starved, ", LDK in one go"),
  ];
}

/** How many messages a second the signatures alone would allow, and what we reach of it. */
function ceilingCases(name: string, ours: Rates, ceiling: number, ldk: Rates): readonly MeasuredCase[] {
  return [
    {
      name: `${name}: ceiling`,
      unit: "messages/s",
      better: "higher",
      ours: ceiling,
      rival: { name: "ldk", figure: ldk.all },
    },
    { name: `${name}: share of the ceiling`, unit: "%", better: "higher", ours: (100 * ours.all) / ceiling },
  ];
}
