import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { provideProgram } from "./providePrograms.ts";
import { workspaceRoot } from "./source/workspace.ts";
import { lastLine, sumOf, type Tally } from "./testing/tally.ts";
import { findTestFiles, type TestFile, type TestKind } from "./testing/testFiles.ts";
import { runTestProcess } from "./testing/testProcess.ts";

/*
 * `npm test [-- filter...]`: the unit tests in one process, and every end-to-end test in a process of its own, two
 * processes at a time. A filter is part of a path. `--full`, `--long` and `--bitcoind` add the kinds of tests of these
 * names; with `--only` nothing else runs. The last line is `N passed, N failed`.
 *
 * A test file that has a process of its own may say how long that may take: `// timeout: 300 s`, and which program it
 * needs that npm does not install: `// needs: electrum`. What cannot be had fails its tests; with `--leave-out-missing`
 * they are left out, and a line that begins with LEFT OUT says so.
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: "boolean", default: false },
    long: { type: "boolean", default: false },
    bitcoind: { type: "boolean", default: false },
    only: { type: "boolean", default: false },
    "leave-out-missing": { type: "boolean", default: false },
    root: { type: "string", default: workspaceRoot },
  },
});

const unitTimeoutSeconds = 600;
const timeoutSeconds: Readonly<Record<TestKind, number>> = {
  unit: unitTimeoutSeconds,
  e2e: 120,
  full: 900,
  long: 7200,
  bitcoind: 600,
};
const processesAtOnce = 2;

const nodeParameters = ["--conditions=@fulmen/source", "--disable-warning=ExperimentalWarning"];

async function runUnitTests(files: readonly TestFile[]): Promise<Tally> {
  if (files.length === 0) return { passed: 0, failed: 0 };
  const outcome = await runTestProcess({
    node: process.execPath,
    parameters: [
      ...nodeParameters,
      `--import=${new URL("fastCrypto.mjs", import.meta.url).href}`,
      "--test",
      "--test-isolation=none",
      "--test-force-exit",
      "--test-timeout=60000",
      ...files.map(({ path }) => path),
    ],
    timeoutSeconds: unitTimeoutSeconds,
    showsOutput: true,
    directory: values.root,
  });
  announce(`${files.length} files of unit tests`, outcome);
  return outcome.tally;
}

/** By program: what came of asking for it. */
const missing = new Map<string, string | undefined>();

/** Why a test file cannot run here. */
function missingFor(text: string): string | undefined {
  const program = /^\/\/ needs: (.+)$/m.exec(text)?.[1];
  if (program === undefined) return undefined;
  if (!missing.has(program)) missing.set(program, provideProgram(program));
  return missing.get(program);
}

async function runApart({ path, kind }: TestFile): Promise<Tally> {
  const text = readFileSync(join(values.root, path), "utf8");
  const reason = missingFor(text);
  if (reason !== undefined) {
    const isLeftOut = values["leave-out-missing"];
    console.log(`${isLeftOut ? "LEFT OUT" : "FAILED"} ${path}: ${reason}`);
    return { passed: 0, failed: isLeftOut ? 0 : 1 };
  }
  const own = /^\/\/ timeout: (\d+) s$/m.exec(text)?.[1];
  const outcome = await runTestProcess({
    node: process.execPath,
    parameters: [...nodeParameters, "--test", "--test-isolation=none", "--test-force-exit", path],
    timeoutSeconds: own === undefined ? timeoutSeconds[kind] : Number(own),
    showsOutput: false,
    directory: values.root,
  });
  announce(path, outcome);
  if (outcome.tally.failed > 0) console.log(outcome.output.trimEnd());
  return outcome.tally;
}

function announce(name: string, outcome: Awaited<ReturnType<typeof runTestProcess>>): void {
  const { tally, seconds, trouble } = outcome;
  const verdict = tally.failed === 0 ? "ok    " : "FAILED";
  const end = trouble === undefined ? "" : `, ${trouble}`;
  console.log(`${verdict} ${name}: ${lastLine(tally)} (${seconds.toFixed(1)} s${end})`);
}

/** Runs all of them, a few at once. */
async function runAll(runs: readonly (() => Promise<Tally>)[]): Promise<readonly Tally[]> {
  const waiting = [...runs];
  const tallies: Tally[] = [];
  const lane = async (): Promise<void> => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) tallies.push(await run());
  };
  await Promise.all(Array.from({ length: processesAtOnce }, lane));
  return tallies;
}

function chosenKinds(): ReadonlySet<TestKind> {
  const kinds = new Set<TestKind>(values.only ? [] : ["unit", "e2e"]);
  if (values.full) kinds.add("full");
  if (values.long) kinds.add("long");
  if (values.bitcoind) kinds.add("bitcoind");
  return kinds;
}

const kinds = chosenKinds();
const files = findTestFiles(values.root, positionals).filter(({ kind }) => kinds.has(kind));
const tallies: Tally[] = [];
if (files.length === 0) {
  console.log(`No test file matches: ${[...kinds, ...positionals].join(" ")}`);
  tallies.push({ passed: 0, failed: 1 });
}
const units = files.filter(({ kind }) => kind === "unit");
const others = files.filter(({ kind }) => kind !== "unit");
tallies.push(...(await runAll([() => runUnitTests(units), ...others.map((file) => () => runApart(file))])));

const total = sumOf(tallies);
console.log(lastLine(total));
process.exitCode = total.failed === 0 ? 0 : 1;
