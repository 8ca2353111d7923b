import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { apiDocs } from "../source/apiDocs.ts";
import { type Problem, report } from "../source/problem.ts";
import { workspaceRoot } from "../source/workspace.ts";

/** Whether `docs/api.md` says what the API's schemas say. */
export function outdatedApiDocs(root: string): readonly Problem[] {
  const file = "docs/api.md";
  const path = join(root, file);
  if (existsSync(path) && readFileSync(path, "utf8") === apiDocs()) return [];
  return [
    { file, message: "out of date: node --conditions=@fulmen/source scripts/apiDocs.ts writes it anew" },
  ];
}

if (import.meta.main) report(outdatedApiDocs(workspaceRoot));
