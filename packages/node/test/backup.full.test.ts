import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { msat, sat } from "@fulmen/lightning/util";
import { Node } from "@fulmen/node";
import { Playfield, until } from "./support/playfield.ts";

const field = new Playfield();
const folder = mkdtempSync(join(tmpdir(), "fulmen-backup-"));
after(async () => {
  await field.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("a node that lost its store has its money again, from its seed and the static backup", async () => {
  const file = join(folder, "channels.backup");
  const alice = await field.start("alice", { backupFiles: [file] });
  const bob = await field.start("bob");
  await field.fund(alice);
  await field.fund(bob);
  const opening = alice.openChannel({ peer: bob.uri, amount: sat(1_000_000), untilUsable: true });
  await until(() => field.chain.mempool.length > 0, "the funding");
  await field.mine(6);
  await opening;
  const { invoice } = await bob.receive({ amount: msat(200_000_000) });
  await alice.pay(invoice);
  await until(() => alice.channels().every(({ htlcs }) => htlcs.length === 0), "the end of the HTLC");
  assert.deepEqual(new Uint8Array(readFileSync(file)), alice.staticBackup());
  const before = alice.balances().total;
  await alice.stop();

  const damaged = new Uint8Array(readFileSync(file)).fill(0, 40, 41);
  await assert.rejects(Node.create(field.options("alice", { restoreFrom: damaged })), {
    code: "backup-unusable",
  });

  const restored = await field.start("alice", { restoreFrom: readFileSync(file), birthday: 100 });
  await until(() => field.chain.mempool.length > 0, "bob closes");
  for (let blocks = 0; blocks < 10; blocks++) await field.mine(1);
  await until(() => restored.balances().closing.length === 0, "the share is in the wallet");
  const lost = before - restored.balances().total;
  assert.ok(lost >= 0n && lost < 5_000_000n, `${lost} msat went to fees`);
});
