import { parseArgs } from "node:util";
import { blocksBench } from "./blocks.ts";
import { chainBench } from "./chain.ts";
import { codecBench } from "./codec.ts";
import { daemonBench } from "./daemon.ts";
import { forwardBench } from "./forward.ts";
import { gossipBench } from "./gossip.ts";
import { graphBench } from "./graph.ts";
import { largeBench } from "./large.ts";
import {
  type BenchResult,
  isMissed,
  type MeasuredCase,
  type MeasuredTable,
  ratioOf,
} from "./measuredCase.ts";
import { paymentsBench } from "./payments.ts";
import { rapidGossipBench } from "./rapidGossip.ts";
import { routingBench } from "./routing.ts";
import { simulationBench } from "./simulation.ts";
import { startupBench } from "./startup.ts";
import { writesBench } from "./writes.ts";

/*
 * `npm run bench -- NAME [--json] [--rounds N]`: measures us and, in the same run and in turn, what people would use
 * instead, each in a process of its own; the figures are medians of N rounds. Prints a Markdown table, or one line of
 * JSON for each case and for each row of a table. A ratio above 1 means that we are better. The exit code is 1 when a
 * case misses its target.
 */

const benches: Readonly<Record<string, (rounds: number) => Promise<BenchResult>>> = {
  payments: paymentsBench,
  startup: startupBench,
  codec: codecBench,
  chain: chainBench,
  blocks: blocksBench,
  daemon: daemonBench,
  forward: forwardBench,
  writes: writesBench,
  large: largeBench,
  simulation: simulationBench,
  graph: graphBench,
  gossip: gossipBench,
  "rapid-gossip": rapidGossipBench,
  routing: routingBench,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
  },
});
const name = positionals[0] ?? "";
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
const rounds = Number(values.rounds);

if (bench === undefined || positionals.length !== 1) {
  fail(`say which benchmark: npm run bench -- ${Object.keys(benches).join(" | ")} [--json] [--rounds N]`);
} else if (!Number.isInteger(rounds) || rounds < 1) {
  fail(`--rounds takes a number from 1 on, not ${values.rounds}`);
} else {
  const result = await bench(rounds);
  console.log(values.json ? jsonLines(result) : markdown(result));
  for (const missed of result.cases.filter(isMissed)) fail(`missed: ${missed.name}, ${targetOf(missed)}`);
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}

function jsonLines({ cases, tables = [] }: BenchResult): string {
  return [
    ...cases.map((one) => {
      const { name: caseName, unit, ours, rival } = one;
      const { name: rivalName, figure } = rival ?? { name: "ldk", figure: null };
      const ratio = ratioOf(one) ?? null;
      return JSON.stringify({ bench: name, case: caseName, unit, ours, [rivalName]: figure, ratio });
    }),
    ...tables.flatMap(({ name: table, rows }) =>
      rows.map((row) => JSON.stringify({ bench: name, table, ...row })),
    ),
  ].join("\n");
}

function markdown({ cases, tables = [], notes }: BenchResult): string {
  const rival = cases.find((one) => one.rival !== undefined)?.rival?.name ?? "ldk";
  const lines = [
    `| ${name} | unit | ours | ${rival === "ldk" ? "LDK" : rival} | ratio |`,
    "|---|---|--:|--:|--:|",
    ...cases.map(caseRow),
    "",
    ...tables.flatMap((one) => [...tableLines(one), ""]),
    ...notes.map((note) => `- ${note}`),
  ];
  return lines.join("\n");
}

function tableLines({ name: title, rows }: MeasuredTable): readonly string[] {
  const columns = Object.keys(rows[0] ?? {});
  const line = (cells: readonly unknown[]): string => `| ${cells.join(" | ")} |`;
  return [
    `${title}:`,
    "",
    line(columns),
    `|${columns.map((_, index) => (index === 0 ? "---" : "--:")).join("|")}|`,
    ...rows.map((row) => line(columns.map((column) => row[column]))),
  ];
}

function caseRow(one: MeasuredCase): string {
  const ratio = ratioOf(one);
  const cells = [
    one.name,
    one.unit,
    shown(one.ours),
    one.rival === undefined ? "" : shown(one.rival.figure),
    ratio === undefined ? targetOf(one) : `${ratio.toFixed(1)}x`,
  ];
  return `| ${cells.join(" | ")} |`;
}

function targetOf({ better, target }: MeasuredCase): string {
  if (target === undefined) return "";
  return `${better === "higher" ? "at least" : "at most"} ${shown(target)}`;
}

/** Three digits, or all those before the point. */
function shown(figure: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(figure), 1e-6))));
  return figure.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
