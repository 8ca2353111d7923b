import { renameSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

/** Where the native crypto is found from. */
const folder = new URL("../../../../node_modules/.cache/fulmen/", import.meta.url);

/**
 * The module of a node's process, with all that it imports in one file, as Node loads what is published: a process then
 * starts in a fifth of the time.
 */
export function bundleNodeProcess(): string {
  const bundle = fileURLToPath(new URL("nodeProcess.mjs", folder));
  const outfile = `${bundle}.${process.pid}`;
  buildSync({
    entryPoints: [fileURLToPath(new URL("nodeProcess.ts", import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["@fulmen/source"],
    external: ["pg"],
    logLevel: "warning",
  });
  // Several tests may run at once: the file is always whole.
  renameSync(outfile, bundle);
  return bundle;
}
