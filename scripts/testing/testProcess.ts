import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workspaceRoot } from "../source/workspace.ts";
import { readTally, type Tally } from "./tally.ts";

/** A process that runs tests. */
export interface TestProcess {
  /** The Node that runs it. */
  readonly node: string;
  /** Its parameters besides the reporters. */
  readonly parameters: readonly string[];
  /** After this it is killed, with all that it started. */
  readonly timeoutSeconds: number;
  /** Whether its output is shown as it comes; otherwise it is kept and given back. */
  readonly showsOutput: boolean;
  /** Where it runs; the root of this repository when absent. */
  readonly directory?: string;
}

/** How a process of tests ended. */
export interface TestOutcome {
  readonly tally: Tally;
  readonly output: string;
  readonly seconds: number;
  /** Why it ended, in words, when that was not by itself and well. */
  readonly trouble: string | undefined;
}

/** Process groups that are still running, killed when this process is asked to stop. */
const running = new Set<number>();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    for (const group of running) killGroup(group);
    process.exit(1);
  });
}

/** Runs tests in a process group of their own; nothing of the group outlives the promise. */
export function runTestProcess(options: TestProcess): Promise<TestOutcome> {
  const { node, parameters, timeoutSeconds, showsOutput, directory = workspaceRoot } = options;
  const started = performance.now();
  const scratch = mkdtempSync(join(tmpdir(), "fulmen-tests-"));
  const counts = join(scratch, "counts.json");
  const child = spawn(node, [...reporters(counts), ...parameters], {
    cwd: directory,
    detached: true,
    stdio: ["ignore", showsOutput ? "inherit" : "pipe", showsOutput ? "inherit" : "pipe"],
  });
  const group = child.pid;
  if (group !== undefined) running.add(group);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    if (group !== undefined) killGroup(group);
  }, timeoutSeconds * 1000);

  return new Promise((resolve) => {
    const finish = (trouble: string | undefined): void => {
      clearTimeout(timer);
      if (group !== undefined) {
        killGroup(group);
        running.delete(group);
      }
      const tally = readTally(readIfThere(counts), trouble === undefined);
      rmSync(scratch, { recursive: true, force: true });
      resolve({ tally, output, seconds: (performance.now() - started) / 1000, trouble });
    };
    child.on("error", (error) => finish(error.message));
    child.on("exit", (code, signal) => {
      const trouble = timedOut
        ? `killed after ${timeoutSeconds} s`
        : code === 0
          ? undefined
          : `ended with ${signal ?? `exit code ${code}`}`;
      // What it started may hold its output open: the group dies first, the rest of the output is read after that.
      if (group !== undefined) killGroup(group);
      if (showsOutput) finish(trouble);
      else child.on("close", () => finish(trouble));
    });
  });
}

function reporters(counts: string): readonly string[] {
  const reporter = (name: string): string => join(workspaceRoot, "scripts", "testing", name);
  return [
    `--test-reporter=${reporter("failures.mjs")}`,
    "--test-reporter-destination=stdout",
    `--test-reporter=${reporter("counts.mjs")}`,
    `--test-reporter-destination=${counts}`,
  ];
}

function killGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
