import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { dataFolder } from "#src/daemon/dataFolder";
import {
  keepRestoreSource,
  keptRestoreSource,
  restoreIsDone,
  restoreSource,
} from "#src/daemon/restoreSource";

it("what a node is restored from is kept in its folder until that is done", (context) => {
  const folder = dataFolder(mkdtempSync(join(tmpdir(), "fulmen-cli-")));
  context.after(() => rmSync(folder.path, { recursive: true }));
  assert.equal(restoreSource({}), undefined);
  assert.equal(keptRestoreSource(folder), undefined);
  restoreIsDone(folder);

  const peers = restoreSource({ peers: "a@host:1, b@host:2" }) ?? assert.fail("no source");
  assert.deepEqual(peers, { peers: ["a@host:1", "b@host:2"] });
  keepRestoreSource(folder, peers);
  assert.deepEqual(keptRestoreSource(folder), peers);
  restoreIsDone(folder);
  assert.equal(keptRestoreSource(folder), undefined);

  const path = join(folder.path, "given");
  writeFileSync(path, "bytes");
  const backup = restoreSource({ backup: path }) ?? assert.fail("no source");
  keepRestoreSource(folder, backup);
  assert.deepEqual(keptRestoreSource(folder), backup);
  restoreIsDone(folder);
  assert.equal(readFileSync(folder.restoredBackup, "utf8"), "bytes");
  assert.ok(!existsSync(folder.restoreBackup) && existsSync(path));

  assert.throws(() => restoreSource({ backup: path, peers: "a@host:1" }), { code: "usage" });
  assert.throws(() => restoreSource({ backup: join(folder.path, "none") }), { code: "backup-unusable" });
});
