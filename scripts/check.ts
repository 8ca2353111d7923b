import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { basename, join } from "node:path";
import { workspaceRoot } from "./source/workspace.ts";

/*
 * `npm run check`: types, format, lint, and every program under `scripts/checks/`. All of them run, so that one run
 * shows all there is to mend. A program fails by its exit code and says on its output what is wrong.
 */

interface Outcome {
  readonly name: string;
  readonly passed: boolean;
  readonly output: string;
  readonly seconds: number;
}

function run(name: string, command: string, parameters: readonly string[]): Promise<Outcome> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command, parameters, { cwd: workspaceRoot, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const finish = (passed: boolean): void =>
      resolve({ name, passed, output: output.trim(), seconds: (performance.now() - started) / 1000 });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.on("error", (error) => {
      output += String(error);
      finish(false);
    });
    child.on("close", (code) => finish(code === 0));
  });
}

const bin = join(workspaceRoot, "node_modules", ".bin");
const isTerminal = process.stdout.isTTY === true;
const own = globSync("scripts/checks/*.ts", { cwd: workspaceRoot }).sort();
const lanes = [
  [() => run("types", join(bin, "tsc"), ["-b", ...(isTerminal ? ["--pretty"] : [])])],
  [
    () =>
      run("format and lint", join(bin, "biome"), [
        "check",
        `--colors=${isTerminal ? "force" : "off"}`,
        "--max-diagnostics=200",
      ]),
    ...own.map(
      (path) => () => run(basename(path, ".ts"), process.execPath, ["--conditions=@fulmen/source", path]),
    ),
  ],
];

const outcomes: Outcome[] = [];
async function runLane(lane: readonly (() => Promise<Outcome>)[]): Promise<void> {
  for (const start of lane) {
    const outcome = await start();
    outcomes.push(outcome);
    console.log(`${outcome.passed ? "ok    " : "FAILED"} ${outcome.name} (${outcome.seconds.toFixed(1)} s)`);
  }
}
await Promise.all(lanes.map(runLane));

const failed = outcomes.filter(({ passed }) => !passed);
for (const { name, output } of failed) console.log(`\n=== ${name}\n${output}`);
console.log(
  failed.length === 0 ? "\nAll checks pass." : `\nFailed: ${failed.map(({ name }) => name).join(", ")}`,
);
if (failed.length > 0) process.exitCode = 1;
