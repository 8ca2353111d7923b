import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";

/*
 * What Node loads of a package of ours: its modules in one file, of which each subpath re-exports its part. To find,
 * read and link a module takes Node longer than to run it, and a node consists of 300 of them. Subpaths of which the
 * package's front door needs nothing are left out: each is a file of its own, and what several of these need is in
 * further ones, so that each module still exists once.
 *
 * What the package takes from the registry goes into its bundle, with its licence: pure functions, of which a second
 * copy does no harm. Packages of ours stay outside, so that what state a module has (the installed crypto provider)
 * exists once in a process. Browsers and their bundlers get the single modules in `dist/` instead, from which they can
 * leave out what a program does not use.
 */

interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** A package that is bundled. */
interface Bundled {
  readonly name: string;
  readonly directory: string;
  /** The modules behind its subpaths, relative to its directory. */
  readonly entryPoints: readonly string[];
  /** What its user may install beside it. */
  readonly peers: readonly string[];
}

/**
 * Bundles the `src/` of each package under `root` whose `exports` name files for Node alone into its `lib/`: all
 * subpaths that have such a file are in one bundle.
 */
export async function bundlePackages(root: string): Promise<void> {
  const packages = packagesToBundle(root);
  // A bundle is linked to others by what their subpaths re-export.
  const bundles = new Map(
    await Promise.all(packages.map(async (one) => [one, await writeSubpaths(one)] as const)),
  );
  await Promise.all([...bundles].map(([one, bundle]) => writeBundle(one, bundle, bundles)));
}

function packagesToBundle(root: string): readonly Bundled[] {
  const packages: Bundled[] = [];
  for (const path of globSync("packages/*/package.json", { cwd: root }).sort()) {
    const {
      name,
      exports = {},
      peerDependencies = {},
    }: Manifest = JSON.parse(readFileSync(join(root, path), "utf8"));
    const subpaths = Object.keys(exports).filter((subpath) => exports[subpath]?.["node"] !== undefined);
    if (subpaths.length === 0) continue;
    const directory = join(root, path, "..");
    const modules = subpaths.map((subpath) => join("src", subpath, "index.ts"));
    const entryPoints = globSync(modules, { cwd: directory }).sort();
    packages.push({ name, directory, entryPoints, peers: Object.keys(peerDependencies) });
  }
  return packages;
}

/** Packages from the registry that stay outside: they are no ES modules, and ask for modules of Node. */
const commonJs: readonly string[] = ["pino", "prom-client"];

function optionsFor({ directory, peers }: Bundled) {
  return {
    absWorkingDir: directory,
    bundle: true,
    external: ["@fulmen/*", ...commonJs, ...peers],
    platform: "node",
    format: "esm",
    target: "es2023",
    metafile: true,
    logLevel: "warning",
  } as const satisfies BuildOptions;
}

/** What is written of a package besides its subpaths' own files. */
interface Bundle {
  /** The module that is to become `lib/bundle.js`. */
  readonly contents: string;
  /** Subpaths of which the front door needs nothing: they are no part of it. */
  readonly apart: readonly string[];
}

/** Writes anew what is in `lib/` for each subpath that is part of the bundle. */
async function writeSubpaths(own: Bundled): Promise<Bundle> {
  const { directory, entryPoints } = own;
  const lib = join(directory, "lib");
  rmSync(lib, { recursive: true, force: true });
  mkdirSync(lib);
  if (entryPoints.length === 1) return { contents: `export * from "./${entryPoints[0]}";`, apart: [] };
  const { metafile } = await build({
    ...optionsFor(own),
    entryPoints: [...entryPoints],
    outdir: "lib",
    write: false,
  });
  const parts = Object.values(metafile.outputs).map(({ entryPoint = "", exports, inputs }) => {
    const subpath = /^src\/(.+)\/index\.ts$/.exec(entryPoint)?.[1] ?? "index";
    const modules = Object.keys(inputs).filter((path) => (inputs[path]?.bytesInOutput ?? 0) > 0);
    return { subpath, entryPoint, exports, modules };
  });
  const needed = new Set(parts.find(({ subpath }) => subpath === "index")?.modules);
  const isApart = ({ subpath }: { readonly subpath: string }): boolean =>
    subpath !== "index" && ![...needed].some((path) => path.startsWith(`src/${subpath}/`));
  const entry: string[] = [];
  for (const { subpath, entryPoint, exports } of parts.filter((part) => !isApart(part))) {
    // Two subpaths may give one name to different things.
    const inBundle = (name: string): string => `${subpath.replaceAll("-", "_")}$${name}`;
    const list = (item: (name: string) => string): string =>
      exports.map((name) => `  ${item(name)},\n`).join("");
    entry.push(`export {\n${list((name) => `${name} as ${inBundle(name)}`)}} from "./${entryPoint}";`);
    const file = `export {\n${list((name) => `${inBundle(name)} as ${name}`)}} from "./bundle.js";\n`;
    writeFileSync(join(lib, `${subpath}.js`), file);
  }
  return { contents: entry.join("\n"), apart: parts.filter(isApart).map(({ subpath }) => subpath) };
}
async function writeBundle(
  own: Bundled,
  { contents, apart }: Bundle,
  bundles: ReadonlyMap<Bundled, Bundle>,
): Promise<void> {
  const { directory, entryPoints } = own;
  const whole = entryPoints.length === 1 ? "index" : "bundle";
  const { metafile } = await build({
    ...optionsFor(own),
    entryPoints: {
      [whole]: whole,
      ...Object.fromEntries(apart.map((name) => [name, `src/${name}/index.ts`])),
    },
    outdir: "lib",
    splitting: apart.length > 0,
    // Names stay, for the sake of stack traces; what takes long is to read the text.
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: true,
    sourcesContent: false,
    plugins: [entryOf(whole, contents, directory), linkToBundles(own, bundles)],
  });
  writeLicences(directory, metafile);
}

/** A module that is in no file, but to be bundled under this name. */
function entryOf(name: string, contents: string, directory: string): Plugin {
  return {
    name: "entry",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: name, namespace: "entry" }));
      onLoad({ filter: /^/, namespace: "entry" }, () => ({ contents, resolveDir: directory }));
    },
  };
}

/** Imports from a subpath of another package become imports from its bundle: a dozen files less for Node to find. */
function linkToBundles(own: Bundled, bundles: ReadonlyMap<Bundled, Bundle>): Plugin {
  return {
    name: "link-to-bundles",
    setup({ onResolve }) {
      for (const [other, { apart }] of bundles) {
        const { name, directory, entryPoints } = other;
        if (other === own || entryPoints.length === 1) continue;
        const lib = join(directory, "lib");
        onResolve({ filter: new RegExp(`^${name}(/[^/]+)?$`) }, ({ path }) => {
          const subpath = path === name ? "index" : basename(path);
          if (apart.includes(subpath)) return { path, external: true, sideEffects: false };
          return { path: join(lib, `${subpath}.js`), sideEffects: false };
        });
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
