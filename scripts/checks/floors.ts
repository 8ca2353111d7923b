import type { Problem } from "../source/problem.ts";
import { report } from "../source/problem.ts";
import {
  type Package,
  readWorkspace,
  resolveImport,
  type SourceFile,
  type Workspace,
  workspaceRoot,
} from "../source/workspace.ts";

const core = ["bitcoin", "lightning"];
const libraries = [
  ...core,
  "crypto-node",
  "testkit",
  "net",
  "persist",
  "background",
  "wallet",
  "chain-sync",
  "rapid-gossip-sync",
];
const node = [...libraries, "node"];
const daemon = [...node, "api", "client", "server"];

/** Which packages each package may build on. */
const mayBuildOn: Readonly<Record<string, readonly string[]>> = {
  bitcoin: [],
  lightning: ["bitcoin"],
  "crypto-node": ["bitcoin"],
  testkit: [...core, "chain-sync"],
  net: core,
  persist: core,
  background: core,
  wallet: core,
  "chain-sync": core,
  "rapid-gossip-sync": core,
  node: libraries,
  api: node,
  client: ["api"],
  server: [...node, "api"],
  cli: [...daemon, "dashboard"],
  dashboard: ["api", "client"],
  playground: [...daemon, "dashboard"],
  interop: node,
  bench: [...daemon, "cli"],
  fuzz: libraries,
};

/** The folders of `packages/lightning/src` from the lowest floor up; folders of one floor do not know each other. */
const floorsOfLightning: readonly (readonly string[])[] = [
  ["util"],
  ["codec", "crypto"],
  ["wire", "noise", "chain"],
  ["handlers", "onion", "invoice"],
  ["commitment", "offers", "gossip"],
  ["sign", "routing", "peer"],
  ["onchain"],
  ["channel"],
  ["payment"],
  ["storage"],
  ["manager"],
];

/**
 * Imports that go against the direction in which the packages, and the folders inside them, build on one another.
 * Imports of types count. Tests may import whatever they like.
 */
export function floors(root: string): readonly Problem[] {
  const workspace = readWorkspace(root);
  const problems: Problem[] = [];
  /** For each folder the folders it imports, with one import that shows it. */
  const folderGraph = new Map<string, Map<string, Problem>>();
  for (const file of workspace.files.values()) {
    for (const { specifier, line } of edgesOf(file)) {
      const say = (message: string): void => void problems.push({ file: file.path, line, message });
      const target = resolveImport(workspace, file, specifier);
      if (target.kind === "missing") {
        say(`imports "${specifier}", which is not there`);
        continue;
      }
      if (file.package === undefined || !file.isSource) continue;
      if (target.kind === "external") {
        const complaint = externalComplaint(file.package, target.name);
        if (complaint !== undefined) say(complaint);
        continue;
      }
      const imported = workspace.files.get(target.path);
      if (imported === undefined) continue;
      const complaint = internalComplaint(file, imported, specifier);
      if (complaint !== undefined) say(complaint);
      if (imported.package !== file.package) continue;
      const [from, to] = [folderOf(file), folderOf(imported)];
      if (from === "" || to === "" || from === to) continue;
      const known = folderGraph.get(`${file.package.directory}/src/${from}`) ?? new Map<string, Problem>();
      known.set(`${file.package.directory}/src/${to}`, {
        file: file.path,
        line,
        message: `imports "${specifier}"`,
      });
      folderGraph.set(`${file.package.directory}/src/${from}`, known);
    }
  }
  return [...problems, ...unknownNames(workspace), ...cycles(folderGraph)];
}

function edgesOf(file: SourceFile): readonly { readonly specifier: string; readonly line: number }[] {
  const edges = [...file.imports, ...file.stars];
  for (const { line, origin } of file.exports)
    if (origin.kind === "from") edges.push({ specifier: origin.specifier, line });
  return edges;
}

function externalComplaint(owner: Package, name: string): string | undefined {
  if (name.startsWith("node:") || owner.dependencies.has(name)) return undefined;
  return `imports "${name}", which the package.json of ${owner.name} does not list`;
}

function internalComplaint(file: SourceFile, imported: SourceFile, specifier: string): string | undefined {
  const [from, to] = [file.package, imported.package];
  if (from === undefined) return undefined;
  if (!imported.isSource) return `imports "${specifier}", which is not part of any package's src`;
  if (to === undefined) return undefined;
  if (from === to) {
    if (!specifier.startsWith("."))
      return `imports "${specifier}": name a file of its own package by its relative path`;
    return from.shortName === "lightning" ? floorComplaint(folderOf(file), folderOf(imported)) : undefined;
  }
  if (specifier.startsWith(".")) return `imports "${specifier}": name another package by its name`;
  if (!mayBuildOn[from.shortName]?.includes(to.shortName)) return `${from.name} may not build on ${to.name}`;
  if (!from.dependencies.has(to.name))
    return `imports ${to.name}, which the package.json of ${from.name} does not list`;
  return undefined;
}

/** The folder right under `src/`; empty for files that lie in `src/` itself. */
function folderOf(file: SourceFile): string {
  const inside = file.path.slice(`${file.package?.directory}/src/`.length);
  return inside.includes("/") ? inside.slice(0, inside.indexOf("/")) : "";
}

function floorOf(folder: string): number {
  if (folder === "") return floorsOfLightning.length;
  return floorsOfLightning.findIndex((floor) => floor.includes(folder));
}

function floorComplaint(from: string, to: string): string | undefined {
  if (from === to) return undefined;
  const [above, below] = [floorOf(from), floorOf(to)];
  if (above === -1 || below === -1 || below < above) return undefined;
  return below === above
    ? `${from} and ${to} are on one floor (F${above}) and do not import each other`
    : `${from} (F${above}) imports upwards from ${to === "" ? "src" : to} (F${below})`;
}

function unknownNames(workspace: Workspace): readonly Problem[] {
  const problems: Problem[] = [];
  for (const { shortName, directory } of workspace.packages) {
    if (mayBuildOn[shortName] === undefined) {
      problems.push({
        file: `${directory}/package.json`,
        message: "say in scripts/checks/floors.ts what it may build on",
      });
    }
  }
  const folders = new Map<string, string>();
  for (const file of workspace.files.values()) {
    if (file.isSource && file.package?.shortName === "lightning") folders.set(folderOf(file), file.path);
  }
  for (const [folder, path] of folders) {
    if (floorOf(folder) === -1)
      problems.push({ file: path, message: `give the folder ${folder} a floor in scripts/checks/floors.ts` });
  }
  return problems;
}

/** One problem for every cycle that a walk through the graph finds. */
function cycles(graph: ReadonlyMap<string, ReadonlyMap<string, Problem>>): readonly Problem[] {
  const problems: Problem[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (folder: string): void => {
    if (done.has(folder)) return;
    path.push(folder);
    for (const [next, example] of graph.get(folder) ?? []) {
      const start = path.indexOf(next);
      if (start === -1) visit(next);
      else
        problems.push({
          ...example,
          message: `${example.message}: a cycle of ${[...path.slice(start), next].join(" -> ")}`,
        });
    }
    path.pop();
    done.add(folder);
  };
  for (const folder of graph.keys()) visit(folder);
  return problems;
}

if (import.meta.main) report(floors(workspaceRoot));
