import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { counterpartTable, generatedMark, ldkCounterparts } from "../source/ldkCounterparts.ts";
import { type Problem, report } from "../source/problem.ts";
import { workspaceRoot } from "../source/workspace.ts";

/** Whether the table of `docs/from-ldk.md` says what the docstrings say. */
export function outdatedLdkDocs(root: string): readonly Problem[] {
  const file = "docs/from-ldk.md";
  const path = join(root, file);
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (text.endsWith(`${generatedMark}\n\n${counterpartTable(ldkCounterparts(root))}`)) return [];
  return [
    { file, message: "out of date: node --conditions=@fulmen/source scripts/ldkDocs.ts writes it anew" },
  ];
}

if (import.meta.main) report(outdatedLdkDocs(workspaceRoot));
