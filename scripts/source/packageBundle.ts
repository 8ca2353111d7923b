import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";

/*
 * What Node loads of a package of ours: all of its modules in one file, of which each subpath re-exports its part. To
 * find, read and link a module takes Node longer than to run it, and a node consists of 300 of them.
 *
 * What the package takes from the registry goes into its bundle, with its licence: pure functions, of which a second
 * copy does no harm. Packages of ours stay outside, so that what state a module has (the installed crypto provider)
 * exists once in a process. Browsers and their bundlers get the single modules in `dist/` instead, from which they can
 * leave out what a program does not use.
 */

interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** A package that is bundled. */
interface Bundled {
  readonly name: string;
  readonly directory: string;
  /** The modules behind its subpaths, relative to its directory. */
  readonly entryPoints: readonly string[];
}

/**
 * Bundles the `src/` of each package under `root` whose `exports` name files for Node alone into its `lib/`: all
 * subpaths that have such a file are in one bundle.
 */
export async function bundlePackages(root: string): Promise<void> {
  const packages = packagesToBundle(root);
  // A bundle is linked to others by what their subpaths re-export.
  const entries = await Promise.all(packages.map(writeSubpaths));
  await Promise.all(packages.map((one, index) => writeBundle(one, entries[index] ?? "", packages)));
}

function packagesToBundle(root: string): readonly Bundled[] {
  const packages: Bundled[] = [];
  for (const path of globSync("packages/*/package.json", { cwd: root }).sort()) {
    const { name, exports = {} }: Manifest = JSON.parse(readFileSync(join(root, path), "utf8"));
    const subpaths = Object.keys(exports).filter((subpath) => exports[subpath]?.["node"] !== undefined);
    if (subpaths.length === 0) continue;
    const directory = join(root, path, "..");
    const modules = subpaths.map((subpath) => join("src", subpath, "index.ts"));
    const entryPoints = globSync(modules, { cwd: directory }).sort();
    packages.push({ name, directory, entryPoints });
  }
  return packages;
}

/** Packages from the registry that stay outside: they are no ES modules, and ask for modules of Node. */
const commonJs: readonly string[] = ["pino", "prom-client"];

function optionsFor(directory: string) {
  return {
    absWorkingDir: directory,
    bundle: true,
    external: ["@fulmen/*", ...commonJs],
    platform: "node",
    format: "esm",
    target: "es2023",
    metafile: true,
    logLevel: "warning",
  } as const satisfies BuildOptions;
}

/** Writes anew what is in `lib/` for each subpath, and answers with the module that is to become the bundle. */
async function writeSubpaths({ directory, entryPoints }: Bundled): Promise<string> {
  const lib = join(directory, "lib");
  rmSync(lib, { recursive: true, force: true });
  mkdirSync(lib);
  if (entryPoints.length === 1) return `export * from "./${entryPoints[0]}";`;
  const parts = await build({
    ...optionsFor(directory),
    entryPoints: [...entryPoints],
    outdir: "lib",
    write: false,
  });
  const entry: string[] = [];
  for (const { entryPoint = "", exports } of Object.values(parts.metafile.outputs)) {
    const subpath = /^src\/(.+)\/index\.ts$/.exec(entryPoint)?.[1] ?? "index";
    // Two subpaths may give one name to different things.
    const inBundle = (name: string): string => `${subpath.replaceAll("-", "_")}$${name}`;
    const list = (item: (name: string) => string): string =>
      exports.map((name) => `  ${item(name)},\n`).join("");
    entry.push(`export {\n${list((name) => `${name} as ${inBundle(name)}`)}} from "./${entryPoint}";`);
    const own = `export {\n${list((name) => `${inBundle(name)} as ${name}`)}} from "./bundle.js";\n`;
    writeFileSync(join(lib, `${subpath}.js`), own);
  }
  return entry.join("\n");
}

async function writeBundle(own: Bundled, contents: string, packages: readonly Bundled[]): Promise<void> {
  const { directory, entryPoints } = own;
  const { metafile } = await build({
    ...optionsFor(directory),
    stdin: { contents, resolveDir: directory },
    outfile: entryPoints.length === 1 ? "lib/index.js" : "lib/bundle.js",
    // Names stay, for the sake of stack traces; what takes long is to read the text.
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: true,
    sourcesContent: false,
    plugins: [linkToBundles(packages.filter((other) => other !== own && other.entryPoints.length > 1))],
  });
  writeLicences(directory, metafile);
}

/** Imports from a subpath of another package become imports from its bundle: a dozen files less for Node to find. */
function linkToBundles(others: readonly Bundled[]): Plugin {
  return {
    name: "link-to-bundles",
    setup({ onResolve }) {
      for (const { name, directory } of others) {
        const lib = join(directory, "lib");
        onResolve({ filter: new RegExp(`^${name}(/[^/]+)?$`) }, ({ path }) => ({
          path: join(lib, `${path === name ? "index" : basename(path)}.js`),
          sideEffects: false,
        }));
        onResolve({ filter: /^\.\/bundle\.js$/ }, ({ resolveDir }) =>
          resolveDir === lib ? { path: `${name}/bundle`, external: true, sideEffects: false } : undefined,
        );
      }
    },
  };
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
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = ["LICENSE", "LICENSE.md"].map((one) => join(folder, one)).find((one) => existsSync(one));
    const licence = file === undefined ? license : readFileSync(file, "utf8").trim();
    if (typeof licence !== "string") throw new Error(`${name} has no licence to go with its code`);
    return `${name} ${version}\n\n${licence}\n`;
  });
  writeFileSync(join(directory, "lib", "THIRD-PARTY.txt"), texts.join("\n----\n\n"));
}
