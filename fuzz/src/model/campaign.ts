import { mkdirSync, writeFileSync } from "node:fs";
import type { FuzzOptions } from "../target.ts";
import { Coverage } from "./coverage.ts";
import { generateScript } from "./generate.ts";
import { type Failure, runScript } from "./run.ts";
import { printScript, type Script } from "./script.ts";
import { shrinkScript, signatureOf } from "./shrinkScript.ts";

/** How long a failing script is shrunk, in seconds. */
const shrinkSeconds = 120;

/**
 * Runs scripts of rising seeds until the time or the runs are over. Each kind of failure is shrunk once and written to
 * `fuzz/found/`, where a test replays it. Says whether all went well.
 */
export function modelCampaign({ seconds, seed, runs, say }: FuzzOptions): boolean {
  const coverage = new Coverage();
  const found = new Map<string, number[]>();
  const started = performance.now();
  say(`from seed ${seed}`);
  for (let run = 0; run < runs && secondsSince(started) < seconds; run++) {
    const script = generateScript(seed + run);
    coverage.runs++;
    const failure = runScript(script, coverage);
    if (failure === undefined) continue;
    const signature = signatureOf(failure);
    const seeds = found.get(signature);
    found.set(signature, [...(seeds ?? []), seed + run]);
    if (seeds === undefined) report(script, failure, say);
  }
  say(coverage.report());
  const took = secondsSince(started);
  say(`${took.toFixed(1)} s, ${Math.round(coverage.actions / took)} actions a second; from seed ${seed}`);
  for (const [signature, seeds] of found)
    say(`FAILED ${seeds.length} times, seeds ${seeds.join(" ")}: ${signature}`);
  return found.size === 0;
}

function report(script: Script, failure: Failure, say: (line: string) => void): void {
  const { seed, actions } = script;
  const where =
    failure.at === undefined ? "at the end" : `after action ${failure.at + 1} of ${actions.length}`;
  say(`\nseed ${seed} failed ${where}:\n${failure.error.stack ?? failure.error.message}`);
  const started = performance.now();
  const short = shrinkScript(script, failure, () => secondsSince(started) > shrinkSeconds);
  const text = printScript(short);
  const directory = new URL("../../found/", import.meta.url);
  mkdirSync(directory, { recursive: true });
  const file = new URL(`model-${seed}.jsonl`, directory);
  writeFileSync(file, text);
  say(`shrunk to ${short.actions.length} actions, in ${file.pathname}:\n${text}`);
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1_000;
}
