import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { messages } from "@fulmen/lightning/wire";
import { outdatedMessageDocs } from "../checks/messageDocs.ts";
import { messageDocs } from "../source/messageDocs.ts";
import { workspaceRoot } from "../source/workspace.ts";

it("docs/messages.md has every message and is up to date", () => {
  assert.deepEqual(outdatedMessageDocs(workspaceRoot), []);
  for (const { number, type } of messages) assert.ok(messageDocs().includes(`### ${number} \`${type}\``));
});

it("an outdated or missing docs/messages.md is found", () => {
  const root = mkdtempSync(join(tmpdir(), "message-docs-"));
  try {
    assert.equal(outdatedMessageDocs(root).length, 1);
    mkdirSync(join(root, "docs"));
    writeFileSync(join(root, "docs", "messages.md"), `${messageDocs()}\n`);
    assert.equal(outdatedMessageDocs(root).length, 1);
    writeFileSync(join(root, "docs", "messages.md"), messageDocs());
    assert.equal(outdatedMessageDocs(root).length, 0);
  } finally {
    rmSync(root, { recursive: true });
  }
});
