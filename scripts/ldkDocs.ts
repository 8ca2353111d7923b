import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { counterpartTable, generatedMark, ldkCounterparts } from "./source/ldkCounterparts.ts";
import { workspaceRoot } from "./source/workspace.ts";

/* Writes the table of `docs/from-ldk.md` from the docstrings; the prose above the mark stays as it is. */

const path = join(workspaceRoot, "docs", "from-ldk.md");
const [prose = ""] = readFileSync(path, "utf8").split(generatedMark);
writeFileSync(path, `${prose}${generatedMark}\n\n${counterpartTable(ldkCounterparts(workspaceRoot))}`);
