import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { bundlePackages } from "./source/packageBundle.ts";
import { workspaceRoot } from "./source/workspace.ts";
import { lastLine, sumOf, type Tally } from "./testing/tally.ts";
import { findTestFiles } from "./testing/testFiles.ts";
import { runTestProcess } from "./testing/testProcess.ts";

/*
 * Runs the unit tests of the core as they are built, on the Node that the machine itself has (`npm run` puts Fulmen's
 * own Node first in PATH, but says which Node npm runs on): what users install is the built core, on their Node.
 *
 * Tests that know the packages from outside run on the bundles, as users do; those that import a package's internals
 * run on its single modules, of which nothing may then exist a second time in a bundle.
 */

const testsOfCore = ["packages/bitcoin/test", "packages/lightning/test"];

/** `packages/x/test/wire/a.test.ts` is built to `packages/x/dist-test/wire/a.test.js`. */
function builtPath(path: string): string {
  return path.replace("/test/", "/dist-test/").replace(/\.ts$/, ".js");
}

/** Whether a built test, or what it imports of its own folder, imports internals of its package. */
function importsInternals(path: string, seen = new Set<string>()): boolean {
  if (seen.has(path)) return false;
  seen.add(path);
  const text = readFileSync(join(workspaceRoot, path), "utf8");
  for (const [, specifier = ""] of text.matchAll(/\b(?:from|import)\s*\(?\s*["']([#.][^"']+)["']/g)) {
    if (specifier.startsWith("#src/")) return true;
    if (importsInternals(normalize(join(path, "..", specifier)), seen)) return true;
  }
  return false;
}

const node = process.env["npm_node_execpath"];
if (node === undefined) throw new Error("run this through npm: npm run test:machine-node");

async function run(
  name: string,
  nodeParameters: readonly string[],
  paths: readonly string[],
): Promise<Tally> {
  if (node === undefined || paths.length === 0) return { passed: 0, failed: 1 };
  console.log(`${paths.length} files of the core's built unit tests, on its ${name}`);
  const { tally, seconds, trouble } = await runTestProcess({
    node,
    parameters: [...nodeParameters, join("scripts", "testing", "importAll.mjs"), ...paths],
    // On noble, which this run is about, signatures take twenty times as long.
    timeoutSeconds: 1_200,
    showsOutput: true,
  });
  console.log(`${seconds.toFixed(1)} s${trouble === undefined ? "" : `, ${trouble}`}`);
  return tally;
}

const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
console.log(`Node ${version} (${node})`);
const tsc = join(workspaceRoot, "node_modules", ".bin", "tsc");
const built = spawnSync(tsc, ["-b", ...testsOfCore], { cwd: workspaceRoot, stdio: "inherit" });
const tallies: Tally[] = [];
if (built.status === 0) {
  await bundlePackages(workspaceRoot);
  const files = findTestFiles(workspaceRoot, testsOfCore).filter(({ kind }) => kind === "unit");
  const paths = files.map(({ path }) => builtPath(path));
  const fromInside = paths.filter((path) => importsInternals(path));
  tallies.push(await run("modules", ["--conditions=@fulmen/modules"], fromInside));
  tallies.push(
    await run(
      "bundles",
      [],
      paths.filter((path) => !fromInside.includes(path)),
    ),
  );
} else {
  console.log("the core does not build");
  tallies.push({ passed: 0, failed: 1 });
}
const tally = sumOf(tallies);
console.log(lastLine(tally));
process.exitCode = tally.failed === 0 ? 0 : 1;
