import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const esbuild = fileURLToPath(new URL("../../../node_modules/.bin/esbuild", import.meta.url));
const mostBytes = 64 * 2 ** 20;

/**
 * A program below the project's root as one module that a browser runs, with all that it imports, from the sources.
 * Rejects when some of that needs more than a browser has: esbuild takes `node:` for nothing that it knows.
 */
export async function browserBundle(path: string): Promise<string> {
  const options = ["--bundle", "--platform=browser", "--format=esm", "--conditions=@fulmen/source"];
  const { stdout } = await promisify(execFile)(esbuild, [path, ...options, "--log-level=warning"], {
    cwd: root,
    maxBuffer: mostBytes,
  });
  return stdout;
}
