import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { workspaceRoot } from "./source/workspace.ts";
import { lastLine } from "./testing/tally.ts";
import { findTestFiles } from "./testing/testFiles.ts";
import { runTestProcess } from "./testing/testProcess.ts";

/*
 * Runs the unit tests of the core as they are built, on the Node that the machine itself has (`npm run` puts Fulmen's
 * own Node first in PATH, but says which Node npm runs on): what users install is the built core, on their Node.
 */

const corePackages = ["packages/bitcoin/test", "packages/lightning/test"];

/** `packages/x/test/wire/a.test.ts` is built to `packages/x/dist-test/wire/a.test.js`. */
function builtPath(path: string): string {
  return path.replace("/test/", "/dist-test/").replace(/\.ts$/, ".js");
}

const node = process.env["npm_node_execpath"];
if (node === undefined) throw new Error("run this through npm: npm run test:machine-node");

const tsc = join(workspaceRoot, "node_modules", ".bin", "tsc");
const built = spawnSync(tsc, ["-b", ...corePackages], { cwd: workspaceRoot, stdio: "inherit" });
const files = findTestFiles(workspaceRoot, corePackages).filter(({ kind }) => kind === "unit");
const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
console.log(`${files.length} files of the core's built unit tests on Node ${version} (${node})`);

const { tally, seconds, trouble } =
  built.status === 0 && files.length > 0
    ? await runTestProcess({
        node,
        parameters: [
          join("scripts", "testing", "importAll.mjs"),
          ...files.map(({ path }) => builtPath(path)),
        ],
        // On noble, which this run is about, signatures take twenty times as long.
        timeoutSeconds: 1_200,
        showsOutput: true,
      })
    : { tally: { passed: 0, failed: 1 }, seconds: 0, trouble: "the core does not build, or has no tests" };
console.log(`${seconds.toFixed(1)} s${trouble === undefined ? "" : `, ${trouble}`}`);
console.log(lastLine(tally));
process.exitCode = tally.failed === 0 ? 0 : 1;
