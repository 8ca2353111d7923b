import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runNode } from "./childProcess.ts";
import { type BenchResult, median } from "./measuredCase.ts";
import { buildWorkspace, withBundles } from "./startup/bundles.ts";
import { installedBytes } from "./startup/installedBytes.ts";

/** A program with one node in it, ready to connect to others, and nothing else. */
interface Subject {
  readonly name: "ours" | "ldk";
  /** Below `src/`, without its extension. */
  readonly program: string;
  /** The packages that the program imports from `node_modules`. */
  readonly packages: readonly string[];
  /** What it loads besides JavaScript. */
  readonly wasm: readonly string[];
}

const ours: Subject = {
  name: "ours",
  program: "fulmen/startupProgram",
  packages: ["@fulmen/bitcoin", "@fulmen/lightning", "@fulmen/crypto-node"],
  wasm: [],
};
const ldk: Subject = {
  name: "ldk",
  program: "ldk/startupProgram",
  packages: ["lightningdevkit"],
  wasm: ["lightningdevkit/liblightningjs.wasm"],
};

/** What such a program tells of itself as soon as its node is built. */
interface Sample {
  /** Since the process started. */
  readonly readyMs: number;
  readonly rssBytes: number;
}

/** How Node is started. */
interface Program {
  readonly parameters: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Node itself, which tells the same. */
const bareNode: Program = {
  parameters: [
    "--input-type=module",
    "-e",
    "process.stdout.write(JSON.stringify({readyMs:performance.now(),rssBytes:process.memoryUsage.rss()}))",
  ],
};
/** Each round starts every program so many times, in turn. */
const startsPerRound = 2;

/** How fast a program with a node starts, how much memory it takes, and how much code it loads: ours and LDK's. */
export async function startupBench(rounds: number): Promise<BenchResult> {
  await buildWorkspace();
  return withBundles(ours, (ourBundles) =>
    withBundles(ldk, async (ldkBundles) => {
      const compiled = mkdtempSync(join(tmpdir(), "fulmen-compiled-"));
      const environment = { NODE_COMPILE_CACHE: compiled };
      const programs = {
        bare: bareNode,
        ours: { parameters: [ourBundles.thin] },
        ldk: { parameters: [ldkBundles.thin] },
        oursCached: { parameters: [ourBundles.thin], environment },
        ldkCached: { parameters: [ldkBundles.thin], environment },
        oursWhole: { parameters: [ourBundles.whole] },
        ldkWhole: { parameters: [ldkBundles.whole] },
      };
      const samples = await sampleInTurn(programs, rounds * startsPerRound);
      rmSync(compiled, { recursive: true });
      const ready = (name: keyof typeof programs) => median(samples[name].map(({ readyMs }) => readyMs));
      const memory = (name: keyof typeof programs) =>
        median(samples[name].map(({ rssBytes }) => rssBytes)) -
        median(samples.bare.map(({ rssBytes }) => rssBytes));
      const lower = { better: "lower" } as const;
      const against = (figure: number) => ({ name: "ldk", figure }) as const;
      const bytesOf = (whole: string, { wasm }: Subject) =>
        [whole, ...wasm.map(pathOf)].reduce((sum, path) => sum + readFileSync(path).length, 0);
      return {
        cases: [
          { name: "ready", unit: "ms", ...lower, ours: ready("ours"), rival: against(ready("ldk")) },
          {
            name: "ready, with Node's compile cache",
            unit: "ms",
            ...lower,
            ours: ready("oursCached"),
            rival: against(ready("ldkCached")),
          },
          {
            name: "memory",
            unit: "MB",
            ...lower,
            ours: memory("ours") / 1e6,
            rival: against(memory("ldk") / 1e6),
          },
          {
            name: "bundle",
            unit: "kB",
            ...lower,
            ours: bytesOf(ourBundles.whole, ours) / 1e3,
            rival: against(bytesOf(ldkBundles.whole, ldk) / 1e3),
          },
        ],
        notes: [
          "ready: from the start of the process to a node that could connect; packages as npm installs them",
          "with Node's compile cache: both with NODE_COMPILE_CACHE, from the second start on",
          `ready, bundled into one file: ours ${ready("oursWhole").toFixed(0)} ms, LDK ${ready("ldkWhole").toFixed(0)} ms; Node alone ${ready("bare").toFixed(0)} ms`,
          "memory: resident, above that of Node alone",
          "bundle: JavaScript, minified by esbuild, and WebAssembly",
          `installed size, with all dependencies: ours ${inMb(installedBytes(ours.packages))}, LDK ${inMb(installedBytes(ldk.packages))}`,
        ],
      };
    }),
  );
}

async function sampleInTurn<K extends string>(
  programs: Readonly<Record<K, Program>>,
  times: number,
): Promise<Readonly<Record<K, readonly Sample[]>>> {
  const names = Object.keys(programs) as K[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as Sample[]])) as Record<K, Sample[]>;
  // The first start warms the disk's cache, and fills the compiler's.
  for (let time = 0; time <= times; time++) {
    for (const name of names) {
      const { parameters, environment } = programs[name];
      const sample = await runNode<Sample>(parameters, environment);
      if (time > 0) samples[name].push(sample);
    }
  }
  return samples;
}

function pathOf(specifier: string): string {
  return fileURLToPath(import.meta.resolve(specifier));
}

function inMb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
