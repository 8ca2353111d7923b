import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

interface Manifest {
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** What npm unpacks for these packages and everything that they depend on, in bytes of content. */
export function installedBytes(packages: readonly string[]): number {
  const folders = new Set<string>();
  const waiting = packages.map((name) => ({ name, from: fileURLToPath(import.meta.url) }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const folder = folderOf(next.name, next.from);
    if (folders.has(folder)) continue;
    folders.add(folder);
    const { dependencies, optionalDependencies } = manifestOf(folder);
    const from = join(folder, "package.json");
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies }))
      waiting.push({ name, from });
  }
  let bytes = 0;
  for (const folder of folders) bytes += contentOf(folder);
  return bytes;
}

function folderOf(name: string, from: string): string {
  const found = createRequire(from)
    .resolve.paths(name)
    ?.map((path) => join(path, name))
    .find((path) => statSync(join(path, "package.json"), { throwIfNoEntry: false })?.isFile());
  if (found === undefined) throw new Error(`${name} is not installed`);
  return realpathSync(found);
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** A package of this workspace lies here with its tests; of those, npm would install what `files` names. */
function contentOf(folder: string): number {
  const isInstalled = folder.includes("node_modules");
  const parts = isInstalled ? ["."] : ["package.json", ...(manifestOf(folder).files ?? [])];
  return parts.reduce((sum, part) => sum + sizeOf(join(folder, part)), 0);
}

function sizeOf(path: string): number {
  const stats = statSync(path);
  if (stats.isFile()) return stats.size;
  let bytes = 0;
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size;
  }
  return bytes;
}
