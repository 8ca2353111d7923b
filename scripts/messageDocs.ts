import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { outdatedMessageDocs } from "./checks/messageDocs.ts";
import { messageDocs } from "./source/messageDocs.ts";
import { report } from "./source/problem.ts";
import { workspaceRoot } from "./source/workspace.ts";

/* Writes `docs/messages.md` from the declarations of messages; with `--check` only says whether it is up to date. */

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
if (values.check) report(outdatedMessageDocs(workspaceRoot));
else writeFileSync(join(workspaceRoot, "docs", "messages.md"), messageDocs());
