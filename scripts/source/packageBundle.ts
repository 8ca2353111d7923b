import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build, type Metafile } from "esbuild";

/*
 * What Node loads of a package of ours: all of its modules in one file, of which each subpath re-exports its part. To
 * find, read and link a module takes Node longer than to run it, and a node consists of 300 of them.
 *
 * What the package takes from the registry goes into its bundle, with its licence: pure functions, of which a second
 * copy does no harm. Packages of ours stay outside, so that what state a module has (the installed crypto provider)
 * exists once in a process. Browsers and their bundlers get the single modules in `dist/` instead, from which they can
 * leave out what a program does not use.
 */

/** The directories of all packages under `root` whose `exports` name a file for Node alone. */
export function packagesToBundle(root: string): readonly string[] {
  const manifests = globSync("packages/*/package.json", { cwd: root }).sort();
  return manifests
    .filter((path) => {
      const { exports = {} }: Manifest = JSON.parse(readFileSync(join(root, path), "utf8"));
      return Object.values(exports).some(({ node }) => node !== undefined);
    })
    .map((path) => join(root, path, ".."));
}

interface Manifest {
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Bundles the `src/` of the package in `directory` into its `lib/`, in the place of what was there. */
export async function bundlePackage(directory: string): Promise<void> {
  const lib = join(directory, "lib");
  rmSync(lib, { recursive: true, force: true });
  mkdirSync(lib);
  const options = {
    absWorkingDir: directory,
    bundle: true,
    external: ["@fulmen/*"],
    platform: "node",
    format: "esm",
    target: "es2023",
    metafile: true,
    logLevel: "warning",
  } as const satisfies BuildOptions;
  const mapped = { ...options, sourcemap: true, sourcesContent: false } as const;

  const entryPoints = globSync("src/{,*/}index.ts", { cwd: directory }).sort();
  if (entryPoints.length === 1) {
    const { metafile } = await build({ ...mapped, entryPoints, outfile: "lib/index.js" });
    writeLicences(directory, metafile);
    return;
  }
  const { metafile: parts } = await build({ ...options, entryPoints, outdir: "lib", write: false });
  const entry: string[] = [];
  for (const { entryPoint = "", exports } of Object.values(parts.outputs)) {
    const subpath = /^src\/(.+)\/index\.ts$/.exec(entryPoint)?.[1] ?? "index";
    // Two subpaths may give one name to different things.
    const inBundle = (name: string): string => `${subpath.replaceAll("-", "_")}$${name}`;
    const list = (item: (name: string) => string): string =>
      exports.map((name) => `  ${item(name)},\n`).join("");
    entry.push(`export {\n${list((name) => `${name} as ${inBundle(name)}`)}} from "./${entryPoint}";`);
    const own = `export {\n${list((name) => `${inBundle(name)} as ${name}`)}} from "./bundle.js";\n`;
    writeFileSync(join(lib, `${subpath}.js`), own);
  }
  const stdin = { contents: entry.join("\n"), resolveDir: directory };
  const { metafile } = await build({ ...mapped, stdin, outfile: "lib/bundle.js" });
  writeLicences(directory, metafile);
}

/** The licences of what was taken from the registry; they ask to go wherever the code goes. */
function writeLicences(directory: string, { inputs }: Metafile): void {
  const folders = new Set<string>();
  for (const path of Object.keys(inputs)) {
    const found = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
    if (found !== undefined) folders.add(join(directory, found));
  }
  if (folders.size === 0) return;
  const texts = [...folders].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const licence = ["LICENSE", "LICENSE.md"]
      .map((file) => join(folder, file))
      .find((file) => existsSync(file));
    if (licence === undefined) throw new Error(`${name} has no licence to go with its code`);
    return `${name} ${version}\n\n${readFileSync(licence, "utf8").trim()}\n`;
  });
  writeFileSync(join(directory, "lib", "THIRD-PARTY.txt"), texts.join("\n----\n\n"));
}
