import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { type ModuleSyntax, readModule } from "./moduleSyntax.ts";

/** The root of this repository. */
export const workspaceRoot = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** A package of the workspace. */
export interface Package {
  /** `@fulmen/lightning` */
  readonly name: string;
  /** The last part of its name: `lightning`. */
  readonly shortName: string;
  /** Relative to the root: `packages/lightning`. */
  readonly directory: string;
  /**
   * Names of all packages that its `package.json` lists for use at run time; for one that is private or bundled whole,
   * of all it lists.
   */
  readonly dependencies: ReadonlySet<string>;
  /** Files under `src/` that others may import: the targets of its `exports`, relative to the root. */
  readonly publicFiles: ReadonlySet<string>;
}

/** A TypeScript file of a package, a script or a test. */
export interface SourceFile extends ModuleSyntax {
  /** Relative to the root, with `/`. */
  readonly path: string;
  readonly text: string;
  /** The package in which the file lies. */
  readonly package: Package | undefined;
  /** Whether it lies under the package's `src/`, so that it is part of what the package does. */
  readonly isSource: boolean;
}

/** Packages and TypeScript files of the repository at `root`. */
export interface Workspace {
  readonly packages: readonly Package[];
  readonly files: ReadonlyMap<string, SourceFile>;
}

/** What an import leads to. */
export type Target =
  | { readonly kind: "file"; readonly path: string }
  /** A built-in module of Node or a package from the registry: its name without a path inside it. */
  | { readonly kind: "external"; readonly name: string }
  | { readonly kind: "missing" };

/** Reads every package and TypeScript file under `packages/`, `bench/`, `fuzz/`, `examples/` and `scripts/`. */
export function readWorkspace(root: string): Workspace {
  const manifests = globSync("{packages/*,bench,fuzz}/package.json", { cwd: root });
  const packages = manifests.map((manifest) => readPackage(root, posixPath(manifest)));
  const files = new Map<string, SourceFile>();
  const sources = globSync("{packages/*,bench,fuzz}/{src,test}/**/*.ts", { cwd: root });
  const others = globSync("{examples,scripts,docs}/**/*.ts", { cwd: root });
  for (const found of [...sources, ...others].sort()) {
    const path = posixPath(found);
    const owner = packages.find(({ directory }) => path.startsWith(`${directory}/`));
    const text = readFileSync(join(root, path), "utf8");
    const isSource = owner !== undefined && path.startsWith(`${owner.directory}/src/`);
    files.set(path, { ...moduleOf(path, text), path, text, package: owner, isSource });
  }
  return { packages, files };
}

/** The file or package that `specifier` means in `from`. */
export function resolveImport(workspace: Workspace, from: SourceFile, specifier: string): Target {
  if (specifier.startsWith("."))
    return fileTarget(workspace, posix.join(posix.dirname(from.path), specifier));
  if (specifier.startsWith("#src/")) {
    return fileTarget(workspace, `${from.package?.directory}/src/${specifier.slice("#src/".length)}.ts`);
  }
  const parts = specifier.split("/");
  const name = parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
  const inner = workspace.packages.find((candidate) => candidate.name === name);
  if (inner === undefined) return { kind: "external", name };
  const folder = specifier.slice(name.length);
  return fileTarget(workspace, `${inner.directory}/src${folder}/index.ts`);
}

function fileTarget(workspace: Workspace, path: string): Target {
  return workspace.files.has(path) ? { kind: "file", path } : { kind: "missing" };
}

function moduleOf(path: string, text: string): ModuleSyntax {
  try {
    const { imports, exports, stars, statements } = readModule(text);
    return { imports, exports, stars, statements };
  } catch (error) {
    throw new SyntaxError(`${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function readPackage(root: string, manifestPath: string): Package {
  const manifest: Manifest = JSON.parse(readFileSync(join(root, manifestPath), "utf8"));
  const directory = posix.dirname(manifestPath);
  const publicFiles = new Set<string>();
  for (const conditions of Object.values(manifest.exports ?? {})) {
    const pattern = conditions["@fulmen/source"];
    if (pattern === undefined) continue;
    if (existsSync(join(root, directory, pattern))) publicFiles.add(posix.join(directory, pattern));
    else
      for (const file of globSync(pattern, { cwd: join(root, directory) }))
        publicFiles.add(posix.join(directory, posixPath(file)));
  }
  const { name, dependencies, optionalDependencies, peerDependencies } = manifest;
  // What a browser loads of the dashboard is one file with all that it needs.
  const isBundled = name === "@fulmen/dashboard";
  const development = manifest.private === true || isBundled ? manifest.devDependencies : {};
  return {
    name,
    shortName: name.slice(name.indexOf("/") + 1),
    directory,
    dependencies: new Set(
      Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies, ...development }),
    ),
    publicFiles,
  };
}

function posixPath(path: string): string {
  return path.replaceAll("\\", "/");
}
