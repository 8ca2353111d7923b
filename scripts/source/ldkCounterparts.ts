import { posix } from "node:path";
import { readWorkspace, resolveImport, type SourceFile, type Workspace } from "./workspace.ts";

/** Something of ours that a docstring compares with LDK by `@ldk`. */
export interface Counterpart {
  /** As the docstring has it: `lightning::ln::channelmanager::ChannelManager`, or a shorter name. */
  readonly ldk: string;
  /** `ChannelManager`, or `ChannelManager.claimFunds`. */
  readonly ours: string;
  /** Relative to the root. */
  readonly path: string;
  readonly line: number;
  /** From where it is imported: `@fulmen/lightning/manager`; absent when it is inside. */
  readonly entry?: string;
}

/** All that the sources of the packages that users install say about LDK, in the order of their paths. */
export function ldkCounterparts(root: string): readonly Counterpart[] {
  const workspace = readWorkspace(root);
  const sources = [...workspace.files.values()].filter(
    (file) => file.isSource && file.path.startsWith("packages/"),
  );
  return sources.flatMap((file) =>
    counterpartsIn(file).map((one) => {
      const entry = entryOf(one, workspace);
      return entry === undefined ? one : { ...one, entry };
    }),
  );
}

/** The public file nearest above that exports it. */
function entryOf({ ours, path }: Counterpart, workspace: Workspace): string | undefined {
  const owner = workspace.packages.find(({ directory }) => path.startsWith(`${directory}/`));
  if (owner === undefined) return undefined;
  const [name = ""] = ours.split(".");
  for (let folder = posix.dirname(path); folder !== owner.directory; folder = posix.dirname(folder)) {
    const index = workspace.files.get(`${folder}/index.ts`);
    if (index === undefined || !owner.publicFiles.has(index.path) || !offers(index, name, workspace))
      continue;
    return posix.join(owner.name, posix.relative(`${owner.directory}/src`, folder));
  }
  return undefined;
}

function offers(file: SourceFile, name: string, workspace: Workspace): boolean {
  if (file.exports.some((one) => one.name === name)) return true;
  return file.stars.some(({ specifier }) => {
    const target = resolveImport(workspace, file, specifier);
    const behind = target.kind === "file" ? workspace.files.get(target.path) : undefined;
    return behind !== undefined && offers(behind, name, workspace);
  });
}

const declaration =
  /^(?<indent> *)(?:export )?(?:default )?(?:abstract )?(?:override )?(?:readonly |static |async |get |set |declare )*(?:(?:const|function\*?|class|interface|type|let) )?(?<name>#?[A-Za-z_$][\w$]*|"[^"]+")/;

/** What follows each docstring with `@ldk`, with the name of the class or type around it. */
export function counterpartsIn({ path, text }: Pick<SourceFile, "path" | "text">): readonly Counterpart[] {
  const found: Counterpart[] = [];
  const lines = text.split("\n");
  let around = "";
  let said: readonly string[] = [];
  let isInside = false;
  for (const [index, line] of lines.entries()) {
    const trimmed = line.trim();
    if (trimmed.startsWith("/**")) {
      isInside = true;
      said = [];
    }
    if (isInside) {
      said = [...said, ...namesIn(trimmed)];
      if (trimmed.endsWith("*/")) isInside = false;
      continue;
    }
    const { indent = "", name = "" } = declaration.exec(line)?.groups ?? {};
    if (name === "" || trimmed.startsWith("//")) continue;
    if (indent === "") around = name;
    const ours = indent === "" ? name : `${around}.${name}`;
    for (const ldk of said) found.push({ ldk, ours, path, line: index + 1 });
    said = [];
  }
  return found;
}

function namesIn(line: string): readonly string[] {
  const [, names] = /@ldk (.+?)(?:\s*\*\/)?$/.exec(line) ?? [];
  return names === undefined ? [] : names.split(/,\s+/).map((name) => name.replace(/\.$/, ""));
}

/** Above what is generated; below the prose of `docs/from-ldk.md`. */
export const generatedMark = "<!-- From here on written by scripts/ldkDocs.ts. -->";

/** The table of `docs/from-ldk.md`: by LDK's name, what it is here. */
export function counterpartTable(counterparts: readonly Counterpart[]): string {
  const rows = counterparts
    .map((one) => ({ ...one, last: lastPart(one.ldk) }))
    .sort(
      (a, b) =>
        compare(a.last, b.last) || compare(a.ldk, b.ldk) || compare(a.path, b.path) || a.line - b.line,
    )
    .map(
      ({ ldk, ours, path, entry }) =>
        `| \`${ldk}\` | [\`${ours}\`](../${path}) | ${entry === undefined ? "" : `\`${entry}\``} |`,
    );
  return ["| LDK | Fulmen | imported from |", "|---|---|---|", ...new Set(rows), ""].join("\n");
}

/** `lightning::ln::channelmanager::ChannelManager::new` is looked for under `ChannelManager`. */
function lastPart(ldk: string): string {
  const parts = ldk.split("::");
  return parts.find((part) => /^[A-Z]/.test(part)) ?? parts.at(-1) ?? ldk;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
