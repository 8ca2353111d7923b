import { parseArgs } from "node:util";
import { chainBench } from "./chain.ts";
import { codecBench } from "./codec.ts";
import { type BenchResult, type MeasuredCase, ratioOf } from "./measuredCase.ts";
import { paymentsBench } from "./payments.ts";
import { startupBench } from "./startup.ts";

/*
 * `npm run bench -- NAME [--json] [--rounds N]`: measures us and, in the same run and in turn, what people would use
 * instead, each in a process of its own; the figures are medians of N rounds. Prints a Markdown table, or one line of
 * JSON for each case. A ratio above 1 means that we are better.
 */

const benches: Readonly<Record<string, (rounds: number) => Promise<BenchResult>>> = {
  payments: paymentsBench,
  startup: startupBench,
  codec: codecBench,
  chain: chainBench,
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
  console.log(values.json ? jsonLines(result) : table(result));
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}

function jsonLines({ cases }: BenchResult): string {
  return cases
    .map((one) => {
      const { name: caseName, unit, ours, rival } = one;
      const { name: rivalName, figure } = rival ?? { name: "ldk", figure: null };
      const ratio = ratioOf(one) ?? null;
      return JSON.stringify({ bench: name, case: caseName, unit, ours, [rivalName]: figure, ratio });
    })
    .join("\n");
}

function table({ cases, notes }: BenchResult): string {
  const rival = cases.find((one) => one.rival !== undefined)?.rival?.name ?? "ldk";
  const lines = [
    `| ${name} | unit | ours | ${rival === "ldk" ? "LDK" : rival} | ratio |`,
    "|---|---|--:|--:|--:|",
    ...cases.map(row),
    "",
    ...notes.map((note) => `- ${note}`),
  ];
  return lines.join("\n");
}

function row(one: MeasuredCase): string {
  const ratio = ratioOf(one);
  const cells = [
    one.name,
    one.unit,
    shown(one.ours),
    one.rival === undefined ? "" : shown(one.rival.figure),
    ratio === undefined ? "" : `${ratio.toFixed(1)}x`,
  ];
  return `| ${cells.join(" | ")} |`;
}

/** Three digits, or all those before the point. */
function shown(figure: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(figure), 1e-6))));
  return figure.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
