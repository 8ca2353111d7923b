import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { messageDocs } from "../source/messageDocs.ts";
import { type Problem, report } from "../source/problem.ts";
import { workspaceRoot } from "../source/workspace.ts";

/** Whether `docs/messages.md` says what the declarations say. */
export function outdatedMessageDocs(root: string): readonly Problem[] {
  const file = "docs/messages.md";
  const path = join(root, file);
  if (existsSync(path) && readFileSync(path, "utf8") === messageDocs()) return [];
  return [
    { file, message: "out of date: node --conditions=@fulmen/source scripts/messageDocs.ts writes it anew" },
  ];
}

if (import.meta.main) report(outdatedMessageDocs(workspaceRoot));
