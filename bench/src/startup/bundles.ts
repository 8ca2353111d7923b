import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));
const tool = (name: string) => join(root, "node_modules", ".bin", name);

/** A program in two forms. */
export interface Bundles {
  /** The program alone: it imports its packages from `node_modules`. */
  readonly thin: string;
  /** The program with its packages' JavaScript in it. */
  readonly whole: string;
}

/** Builds this package and all that it imports, as they are published. */
export async function buildWorkspace(): Promise<void> {
  try {
    await run(tool("tsc"), ["-b", join(root, "bench")]);
    await run(process.execPath, [join(root, "scripts", "bundlePackages.ts")]);
  } catch (error) {
    const output = error instanceof Error && "stdout" in error ? String(error.stdout) : String(error);
    throw new Error(`the packages do not build:\n${output}`);
  }
}

/**
 * Bundles a program, which is below `dist/` of this package, and removes the files again after `use`. They lie inside
 * this package, so that their imports resolve.
 */
export async function withBundles<T>(
  { program, packages }: { readonly program: string; readonly packages: readonly string[] },
  use: (bundles: Bundles) => Promise<T>,
): Promise<T> {
  const dist = join(root, "bench", "dist");
  mkdirSync(dist, { recursive: true });
  const folder = mkdtempSync(join(dist, "startup-"));
  try {
    const bundles = { thin: join(folder, "thin.mjs"), whole: join(folder, "whole.mjs") };
    const entry = join(dist, `${program}.js`);
    await bundle(
      entry,
      bundles.thin,
      packages.flatMap((name) => [name, `${name}/*`]),
    );
    await bundle(entry, bundles.whole, []);
    return await use(bundles);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** esbuild is a tool of the workspace, as the compiler is: its command, not its library. */
async function bundle(entry: string, outfile: string, external: readonly string[]): Promise<void> {
  await run(tool("esbuild"), [
    entry,
    `--outfile=${outfile}`,
    ...external.map((name) => `--external:${name}`),
    "--bundle",
    "--minify",
    "--platform=node",
    "--format=esm",
    "--log-level=warning",
  ]);
}
