import { basename } from "node:path";
import type { Problem } from "../source/problem.ts";
import { report } from "../source/problem.ts";
import { type Token, tokenize } from "../source/tokens.ts";
import { readWorkspace, type SourceFile, workspaceRoot } from "../source/workspace.ts";

/** What the core must not reach for: it is handed its time, randomness, bytes and log. */
const bannedInCore = new Set([
  "Buffer",
  "Date",
  "TextDecoder",
  "TextEncoder",
  "clearInterval",
  "clearTimeout",
  "console",
  "globalThis",
  "performance",
  "process",
  "queueMicrotask",
  "setImmediate",
  "setInterval",
  "setTimeout",
  "structuredClone",
]);

/** Words of the list that cannot be called: `process(...)` is a method or function of ours. */
const notCallable = new Set(["console", "globalThis", "performance", "process"]);

const emptyFileNames = new Set(["utils", "util", "helpers", "helper", "misc", "common"]);

/** Names that bring the outside world into the core, and file names that say nothing. */
export function bannedNames(root: string): readonly Problem[] {
  const problems: Problem[] = [];
  for (const file of readWorkspace(root).files.values()) {
    const [stem = ""] = basename(file.path).split(".");
    if (emptyFileNames.has(stem.toLowerCase())) {
      problems.push({ file: file.path, message: `"${stem}" does not say what the file holds` });
    }
    if (isCore(file)) problems.push(...namesIn(file));
  }
  return problems;
}

function isCore({ isSource, package: owner }: SourceFile): boolean {
  return isSource && (owner?.shortName === "bitcoin" || owner?.shortName === "lightning");
}

function namesIn(file: SourceFile): readonly Problem[] {
  const problems: Problem[] = [];
  for (const { specifier, line } of file.imports) {
    if (specifier.startsWith("node:")) {
      problems.push({ file: file.path, line, message: `the core does not import "${specifier}"` });
    }
  }
  const tokens = tokenize(file.text);
  const ours = ownNames(tokens);
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== "word") continue;
    const previous = tokens[index - 1]?.text;
    const next = tokens[index + 1]?.text;
    const message =
      token.text === "Math" && next === "." && tokens[index + 2]?.text === "random"
        ? "the core does not use Math.random"
        : bannedInCore.has(token.text) && !ours.has(token.text) && isGlobal(token.text, previous, next)
          ? `the core does not use ${token.text}`
          : undefined;
    if (message !== undefined) problems.push({ file: file.path, line: token.line, message });
  }
  return problems;
}

/** Whether the word stands where a global would: not as a member, a key or a method. */
function isGlobal(text: string, previous: string | undefined, next: string | undefined): boolean {
  if (previous === "." || previous === "?.") return false;
  if (next === ":" || next === "?") return previous === "?" || previous === "(";
  return !(next === "(" && notCallable.has(text));
}

/** Names that the file itself imports or declares. */
function ownNames(tokens: readonly Token[]): ReadonlySet<string> {
  const names = new Set<string>();
  let inImport = false;
  for (const [index, { kind, text }] of tokens.entries()) {
    if (kind === "word" && text === "import") inImport = true;
    else if (kind === "string") inImport = false;
    else if (kind === "word") {
      const declares = ["const", "let", "function", "class", "type", "interface"].includes(
        tokens[index - 1]?.text ?? "",
      );
      if (inImport || declares) names.add(text);
    }
  }
  return names;
}

if (import.meta.main) report(bannedNames(workspaceRoot));
