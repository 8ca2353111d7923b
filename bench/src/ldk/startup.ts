import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

/** Medians of one kind of program over several runs. */
export interface StartupFigures {
  /** From the start of the process to a node that is built and could take a connection. */
  readonly readyMs: number;
  /** Resident memory at that moment. */
  readonly rssBytes: number;
}

export interface LdkStartupResult {
  /** The package as npm installs it: 1,600 modules. */
  readonly installed: StartupFigures;
  /** The same program in one minified file, its WebAssembly beside it. */
  readonly bundled: StartupFigures;
  /** A Node process that only reports these figures. */
  readonly bare: StartupFigures;
  /** `installed` less `bare`. */
  readonly rssBytesAboveBare: number;
}

/** Starts each program once to warm the disk's cache, then `runs` times in turn. */
export async function ldkStartup(runs = 5): Promise<LdkStartupResult> {
  return withBundles(async ({ thin, whole }) => {
    const report =
      "process.stdout.write(JSON.stringify({readyMs:performance.now(),rssBytes:process.memoryUsage.rss()}))";
    const programs: readonly (readonly string[])[] = [[thin], [whole], ["--input-type=module", "-e", report]];
    const figures: StartupFigures[][] = programs.map(() => []);
    for (let run = 0; run <= runs; run++) {
      for (const [index, program] of programs.entries()) {
        const measured = await runOnce(program);
        if (run > 0) figures[index]?.push(measured);
      }
    }
    const [installed, bundled, bare] = figures.map(medians);
    if (installed === undefined || bundled === undefined || bare === undefined) throw new Error("no figures");
    return { installed, bundled, bare, rssBytesAboveBare: installed.rssBytes - bare.rssBytes };
  });
}

export interface LoadBytes {
  readonly jsBytes: number;
  readonly jsGzipBytes: number;
  readonly wasmBytes: number;
  readonly wasmGzipBytes: number;
}

/** What the smallest program with a node loads: JavaScript bundled and minified by esbuild, and WebAssembly. */
export async function ldkLoadBytes(): Promise<LoadBytes> {
  return withBundles(async ({ whole }) => {
    const js = readFileSync(whole);
    const wasm = readFileSync(join(packageFolder(), "liblightningjs.wasm"));
    return {
      jsBytes: js.length,
      jsGzipBytes: gzipSync(js).length,
      wasmBytes: wasm.length,
      wasmGzipBytes: gzipSync(wasm).length,
    };
  });
}

export interface InstalledBytes {
  readonly files: number;
  readonly bytes: number;
}

/** The package's folder as npm unpacks it, in bytes of content. */
export function ldkInstalledBytes(): InstalledBytes {
  const folder = packageFolder();
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  let files = 0;
  let bytes = 0;
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    files++;
    bytes += statSync(join(entry.parentPath, entry.name)).size;
  }
  return { files, bytes };
}

interface Bundles {
  /** The program alone: it imports LDK from `node_modules`. */
  readonly thin: string;
  /** The program with LDK's JavaScript in it. */
  readonly whole: string;
}

/** Bundles the start-up program inside this package, so that its imports resolve, and removes the files again. */
async function withBundles<T>(use: (bundles: Bundles) => Promise<T>): Promise<T> {
  const dist = fileURLToPath(new URL("../../dist/", import.meta.url));
  mkdirSync(dist, { recursive: true });
  const folder = mkdtempSync(join(dist, "ldk-startup-"));
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const entry = fileURLToPath(new URL(`./startupProgram.${extension}`, import.meta.url));
  try {
    const bundles = { thin: join(folder, "thin.mjs"), whole: join(folder, "whole.mjs") };
    await bundle(entry, bundles.thin, ["lightningdevkit"]);
    await bundle(entry, bundles.whole, []);
    return await use(bundles);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** esbuild is a tool of the workspace, as the compiler is: its command, not its library. */
const esbuild = fileURLToPath(new URL("../../../node_modules/.bin/esbuild", import.meta.url));

async function bundle(entry: string, outfile: string, external: readonly string[]): Promise<void> {
  await promisify(execFile)(esbuild, [
    entry,
    `--outfile=${outfile}`,
    ...external.map((name) => `--external:${name}`),
    "--bundle",
    "--minify",
    "--platform=node",
    "--format=esm",
    "--conditions=@fulmen/source",
    "--log-level=warning",
  ]);
}

async function runOnce(program: readonly string[]): Promise<StartupFigures> {
  const { stdout } = await promisify(execFile)(process.execPath, program);
  return JSON.parse(stdout) as StartupFigures;
}

function medians(runs: readonly StartupFigures[]): StartupFigures {
  return {
    readyMs: Math.round(median(runs.map((run) => run.readyMs))),
    rssBytes: median(runs.map((run) => run.rssBytes)),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

function packageFolder(): string {
  return dirname(fileURLToPath(import.meta.resolve("lightningdevkit/package.json")));
}
