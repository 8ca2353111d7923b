import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { Node, type NodeOptions } from "@fulmen/node";
import { channelToBob, paidOut, usableChannel } from "./support/channelToBob.ts";
import { Playfield, until } from "./support/playfield.ts";

const folder = mkdtempSync(join(tmpdir(), "fulmen-from-peers-"));
const field = new Playfield();
after(async () => {
  await field.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("a node that has nothing but its seed has its money again, by what its peers kept for it", async () => {
  const file = join(folder, "alice.backup");
  const { alice, bob } = await channelToBob(field, { backupFiles: [file] });
  const carol = await field.start("carol");
  const dave = await field.start("dave");
  // Bob hears once a minute at most what he is to keep: carol's is newer than his.
  await field.fund(alice);
  await usableChannel(field, alice, carol);
  await until(() => alice.status().warnings.length === 0, "the backup is everywhere");
  const all = { peers: 2, channels: 2, of: 2 };
  await until(() => isDeepStrictEqual(alice.status().backup?.atPeers, all), "both peers keep both channels");
  const before = alice.balances().total;
  await alice.stop();
  const closed = `02${"ab".repeat(32)}@127.0.0.1:1`;
  const refused = async (peers: readonly string[], more: Partial<NodeOptions>, error: object) => {
    const restoreFrom = { peers, waitSeconds: 0.3 };
    await assert.rejects(Node.create(field.options("alice", { restoreFrom, ...more })), error);
  };
  await refused([dave.uri, closed], {}, { code: "backup-not-found", message: /ECONNREFUSED/ });
  await refused([dave.uri], {}, { message: /: it gave nothing back$/ });
  await refused([bob.uri], { seed: new Uint8Array(32).fill(77) }, { message: /: it gave nothing back$/ });
  await refused([bob.uri], { backupFiles: [file] }, { code: "store-stale", message: /has 2 channels/ });
  await refused([], {}, { code: "invalid-option" });
  await refused([bob.nodeId], {}, { code: "invalid-address" });
  for (const node of [bob, carol])
    assert.deepEqual(
      node.channels().map(({ phase }) => phase),
      ["open"],
    );

  const storage = { sqlite: join(folder, "alice.sqlite") };
  const options = { storage, restoreFrom: { peers: [carol.uri, dave.uri], waitSeconds: 0.3 } };
  const restored = await field.start("alice", options);
  assert.deepEqual(
    restored
      .channels()
      .map(({ peer }) => peer)
      .sort(),
    [bob.nodeId, carol.nodeId].sort(),
  );
  await paidOut(field, restored, before);
  const { total } = restored.balances();
  await restored.stop();
  // The store was restored already: nobody is asked again, and what is there goes on.
  const later = await field.start("alice", { ...options, restoreFrom: { peers: [closed] } });
  assert.equal(later.balances().total, total);
});
