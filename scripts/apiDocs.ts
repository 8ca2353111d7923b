import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { outdatedApiDocs } from "./checks/apiDocs.ts";
import { apiDocs } from "./source/apiDocs.ts";
import { report } from "./source/problem.ts";
import { workspaceRoot } from "./source/workspace.ts";

/* Writes `docs/api.md` from the API's schemas; with `--check` only says whether it is up to date. */

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
if (values.check) report(outdatedApiDocs(workspaceRoot));
else writeFileSync(join(workspaceRoot, "docs", "api.md"), apiDocs());
