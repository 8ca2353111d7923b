import type { Problem } from "../source/problem.ts";
import { report } from "../source/problem.ts";
import {
  readWorkspace,
  resolveImport,
  type SourceFile,
  type Workspace,
  workspaceRoot,
} from "../source/workspace.ts";

/**
 * Exports under a package's `src/` that no other file imports and that cannot be reached through the package's public
 * entries. A type also counts as used when a used export of its file names it: declarations need its name.
 */
export function unusedExports(root: string): readonly Problem[] {
  const workspace = readWorkspace(root);
  const used = new UsedExports(workspace);
  for (const file of workspace.files.values()) {
    for (const { specifier, names } of file.imports) used.take(file, specifier, names);
    if (file.package?.publicFiles.has(file.path)) used.takeAll(file);
  }
  used.takeNamedTypes();
  const problems: Problem[] = [];
  for (const file of workspace.files.values()) {
    if (!file.isSource) continue;
    for (const { name, line } of file.exports) {
      if (!used.has(file, name)) problems.push({ file: file.path, line, message: `nobody imports ${name}` });
    }
    for (const { specifier, line } of file.stars) {
      if (!used.hasStar(file, specifier)) {
        problems.push({ file: file.path, line, message: `nobody imports what "${specifier}" gives` });
      }
    }
  }
  return problems;
}

class UsedExports {
  readonly #workspace: Workspace;
  readonly #names = new Map<string, Set<string>>();
  /** `export *` statements through which a used name went, as `path specifier`. */
  readonly #stars = new Set<string>();

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  has(file: SourceFile, name: string): boolean {
    return this.#names.get(file.path)?.has(name) ?? false;
  }

  hasStar(file: SourceFile, specifier: string): boolean {
    return this.#stars.has(`${file.path} ${specifier}`);
  }

  /** Marks what `from` takes from the module `specifier`. */
  take(from: SourceFile, specifier: string, names: readonly string[] | "*"): void {
    const target = this.#fileOf(from, specifier);
    if (target === undefined) return;
    if (names === "*") this.takeAll(target);
    else for (const name of names) this.#takeName(target, name);
  }

  /** Marks all that `file` offers. */
  takeAll(file: SourceFile): void {
    for (const { name } of file.exports) this.#takeName(file, name);
    for (const { specifier } of file.stars) {
      const key = `${file.path} ${specifier}`;
      if (this.#stars.has(key)) continue;
      this.#stars.add(key);
      this.take(file, specifier, "*");
    }
  }

  /** Marks the types that statements of used exports name, until nothing is added. */
  takeNamedTypes(): void {
    for (let added = true; added; ) {
      added = false;
      for (const file of this.#workspace.files.values()) added = this.#takeNamedTypesOf(file) || added;
    }
  }

  #takeNamedTypesOf(file: SourceFile): boolean {
    let added = false;
    for (const candidate of file.exports) {
      if (candidate.origin.kind !== "declared" || !candidate.origin.isType || this.has(file, candidate.name))
        continue;
      const isNamed = file.exports.some(
        ({ name, origin }) =>
          origin.kind === "declared" &&
          this.has(file, name) &&
          (file.statements[origin.statement]?.has(candidate.name) ?? false),
      );
      if (isNamed) {
        this.#takeName(file, candidate.name);
        added = true;
      }
    }
    return added;
  }

  /** Marks `name` of `file` and follows it to where it comes from; says whether the file offers it. */
  #takeName(file: SourceFile, name: string): boolean {
    if (this.has(file, name)) return true;
    const found = file.exports.filter((candidate) => candidate.name === name);
    if (found.length > 0) {
      const names = this.#names.get(file.path) ?? new Set<string>();
      this.#names.set(file.path, names.add(name));
      for (const { origin } of found) {
        if (origin.kind === "from")
          this.take(file, origin.specifier, origin.name === "*" ? "*" : [origin.name]);
      }
      return true;
    }
    for (const { specifier } of file.stars) {
      const target = this.#fileOf(file, specifier);
      if (target !== undefined && this.#takeName(target, name)) {
        this.#stars.add(`${file.path} ${specifier}`);
        return true;
      }
    }
    return false;
  }

  #fileOf(from: SourceFile, specifier: string): SourceFile | undefined {
    const target = resolveImport(this.#workspace, from, specifier);
    return target.kind === "file" ? this.#workspace.files.get(target.path) : undefined;
  }
}

if (import.meta.main) report(unusedExports(workspaceRoot));
