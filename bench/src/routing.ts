import { benchGraph } from "./benchGraph.ts";
import { type BenchResult, type MeasuredCase, median } from "./measuredCase.ts";
import { queriesPerTurn, queryCount, type RouteAnswer } from "./routing/routeQueries.ts";
import { type Side, startSide } from "./side.ts";

/** So many times faster than LDK a search has to be, by median and by the 90th percentile. */
const leastRatio = { single: 15, several: 40 } as const;
/** Fees may be so much higher than LDK's, by the mean of the queries that both answer. */
const mostFeeRatio = 1.02;

/**
 * How long a search for a route takes on the public network, ours and LDK's, both with their probabilistic scorers, the
 * penalties that LDK 0.1.2 has by default, and nothing learnt; whether there was one, and what it costs. Each side
 * alone in a process, by tens of queries in turn. The first round is not counted when there is another.
 */
export async function routingBench(rounds: number): Promise<BenchResult> {
  const cases: MeasuredCase[] = [];
  const notes = [
    `${queryCount} queries on ${benchGraph().source}, amounts from 100 to 1,000,000 sat, fees of at most 1 % and 50 sat`,
  ];
  for (const [name, maxPathCount] of [
    ["single", 1],
    ["several", 10],
  ] as const) {
    const { ours, ldk } = await answersInTurn(rounds, {
      ours: await startSide("routing/fulmenProgram", String(maxPathCount)),
      ldk: await startSide("ldk/routingProgram", String(maxPathCount)),
    });
    cases.push(...casesOf(name, ours, ldk));
    notes.push(
      `${name}: mean parts of a route ${mean(found(ours), ({ parts = 0 }) => parts).toFixed(2)}, LDK ${mean(found(ldk), ({ parts = 0 }) => parts).toFixed(2)}`,
    );
  }
  return { cases, notes };
}

type Answers = readonly RouteAnswer[];

interface Sides {
  readonly ours: Side<Answers>;
  readonly ldk: Side<Answers>;
}

/** Each side's answers, with the medians of its times; ends the sides. */
async function answersInTurn(rounds: number, { ours, ldk }: Sides): Promise<Record<keyof Sides, Answers>> {
  const byRound = { ours: [] as Answers[], ldk: [] as Answers[] };
  for (let round = 0; round < rounds; round++) {
    const answers = { ours: [] as RouteAnswer[], ldk: [] as RouteAnswer[] };
    for (let turn = 0; turn < queryCount / queriesPerTurn; turn++) {
      answers.ours.push(...(await ours.sample(0)));
      answers.ldk.push(...(await ldk.sample(0)));
    }
    if (round > 0 || rounds === 1) {
      byRound.ours.push(answers.ours);
      byRound.ldk.push(answers.ldk);
    }
  }
  await ours.end();
  await ldk.end();
  return { ours: medians(byRound.ours), ldk: medians(byRound.ldk) };
}

function medians(rounds: readonly Answers[]): Answers {
  return (rounds[0] ?? []).map((answer, i) => ({
    ...answer,
    milliseconds: median(rounds.map((round) => round[i]?.milliseconds ?? Number.NaN)),
  }));
}

function casesOf(name: keyof typeof leastRatio, ours: Answers, ldk: Answers): readonly MeasuredCase[] {
  const time = (part: string, figure: (answers: Answers) => number): MeasuredCase => ({
    name: `${name}: ${part}`,
    unit: "ms",
    better: "lower",
    ours: figure(ours),
    rival: { name: "ldk", figure: figure(ldk) },
    target: figure(ldk) / leastRatio[name],
  });
  const both = ours.flatMap((answer, i) => {
    const theirs = ldk[i];
    return answer.feeMsat === undefined || theirs?.feeMsat === undefined ? [] : [{ answer, theirs }];
  });
  const ourFee = mean(both, ({ answer }) => answer.feeMsat ?? 0) / 1000;
  const theirFee = mean(both, ({ theirs }) => theirs.feeMsat ?? 0) / 1000;
  return [
    time("median", (answers) => quantile(answers, 0.5)),
    time("90 of 100", (answers) => quantile(answers, 0.9)),
    {
      name: `${name}: found`,
      unit: `of ${queryCount}`,
      better: "higher",
      ours: found(ours).length,
      rival: { name: "ldk", figure: found(ldk).length },
      target: found(ldk).length,
    },
    {
      name: `${name}: mean fee where both found`,
      unit: "sat",
      better: "lower",
      ours: ourFee,
      rival: { name: "ldk", figure: theirFee },
      target: theirFee * mostFeeRatio,
    },
  ];
}

function found(answers: Answers): Answers {
  return answers.filter(({ feeMsat }) => feeMsat !== undefined);
}

function quantile(answers: Answers, part: number): number {
  const sorted = answers.map(({ milliseconds }) => milliseconds).toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

function mean<T>(values: readonly T[], figure: (value: T) => number): number {
  return values.reduce((sum, value) => sum + figure(value), 0) / values.length;
}
