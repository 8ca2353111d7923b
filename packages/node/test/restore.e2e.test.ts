import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { EsploraSource } from "@fulmen/chain-sync/esplora";
import type { KvWrite } from "@fulmen/lightning/chain";
import { openStaticBackup, sealStaticBackup } from "@fulmen/lightning/storage";
import { sat } from "@fulmen/lightning/util";
import { Node, type NodeOptions } from "@fulmen/node";
import { MemoryStore } from "@fulmen/persist/memory";
import { EsploraServer } from "@fulmen/testkit/esplora";
import { channelToBob, paidOut } from "./support/channelToBob.ts";
import { Playfield, until } from "./support/playfield.ts";

const folder = mkdtempSync(join(tmpdir(), "fulmen-restore-"));
const fields: Playfield[] = [];
after(async () => {
  for (const field of fields) await field.stop();
  rmSync(folder, { recursive: true, force: true });
});

function newField(): Playfield {
  const field = new Playfield();
  fields.push(field);
  return field;
}

/** Remembers each commit. */
class WatchedStore extends MemoryStore {
  readonly commits: (readonly KvWrite[])[] = [];

  override async commit(batch: readonly KvWrite[]): Promise<void> {
    await super.commit(batch);
    this.commits.push(batch);
  }
}

test("a node that lost its store has its money again, from its seed and the static backup", async () => {
  const field = newField();
  const file = join(folder, "lost.backup");
  const { alice } = await channelToBob(field, { backupFiles: [file] });
  assert.deepEqual(new Uint8Array(readFileSync(file)), alice.staticBackup());
  const before = alice.balances().total;
  await alice.stop();
  const restored = await field.start("alice", { restoreFrom: readFileSync(file) });
  await paidOut(field, restored, before);
});

test("what a lost channel comes to is not said before the peer has published its commitment", async () => {
  const field = newField();
  const file = join(folder, "unknown.backup");
  const { alice, bob } = await channelToBob(field, { backupFiles: [file] });
  const [lost] = alice.channels();
  assert.ok(lost !== undefined);
  await Promise.all([alice.stop(), bob.stop()]);
  const restored = await field.start("alice", { restoreFrom: readFileSync(file) });
  const [channel] = restored.channels();
  assert.match(channel?.explanation ?? "", /state is lost: the peer has to publish/);
  assert.equal(restored.status().channels.closing, 1);
  for (const { reason, explanation } of restored.balances().closing) {
    assert.equal(reason, "their-force-close");
    assert.match(explanation, /a newer one is lost/);
  }
  assert.equal(restored.balances().closing.length, 1);
});

test("a node that was restored without some of its channels says so, and so do its own backups", async () => {
  const field = newField();
  const first = await field.start("alice");
  const key = first.parts.keys.peerStorageKey();
  const whole = openStaticBackup(first.staticBackup(), key);
  assert.ok(whole.ok);
  await first.stop();
  const restoreFrom = sealStaticBackup({ ...whole.value, leftOut: 3 }, key, new Uint8Array(24));
  const restored = await field.start("alice", { restoreFrom });
  const [warning] = restored.status().warnings.filter(({ code }) => code === "restored-partly");
  assert.match(warning?.text ?? "", /^3 channels were in none/);
  const next = openStaticBackup(restored.staticBackup(), key);
  assert.ok(next.ok && next.value.counter > whole.value.counter && next.value.leftOut === 3);
});

test("a channel that was closed before the restore is paid out, wherever the restore was cut off", async () => {
  const field = newField();
  const file = join(folder, "closed.backup");
  const { alice, bob } = await channelToBob(field, { backupFiles: [file] });
  const before = alice.balances().total;
  await alice.stop();
  const [channel] = bob.channels();
  assert.ok(channel !== undefined);
  await bob.forceCloseChannel(channel.channelId);
  await until(() => field.chain.mempool.length > 0, "bob's commitment");
  await field.mine(20);

  const restoreFrom = readFileSync(file);
  const storage = new WatchedStore();
  const options = { storage, restoreFrom, backupFiles: [file] };
  const restored = await field.start("alice", options);
  await paidOut(field, restored, before);
  const { total } = restored.balances();
  await restored.stop();

  const lengths = [0, 1, 2, 3, 4, 6, 9, 14, storage.commits.length];
  for (const length of lengths) {
    const cut = new WatchedStore();
    for (const batch of storage.commits.slice(0, length)) await cut.commit(batch);
    const again = await field.start("alice", { ...options, backupFiles: [], storage: cut });
    await until(() => again.balances().total === total, `the share after ${length} commits`);
    assert.deepEqual(again.balances().closing, [], `after ${length} commits`);
    await again.stop();
    if (length > 1) continue;
    // What was swept long ago takes no further address of the wallet.
    const written = cut.commits.flat().map(({ key }) => key);
    assert.deepEqual(
      written.filter((key) => key.startsWith("sweeper/transaction/")),
      [],
    );
  }
  const server = new EsploraServer(field.chain, { feeEstimates: { "6": 1.5 } });
  await server.listen();
  const chain = new EsploraSource({ url: server.url, network: "regtest", pollInterval: 10 });
  const again = await field.start("alice", { ...options, backupFiles: [], storage: "memory", chain });
  await until(() => again.balances().total === total, "the share, over Esplora");
  assert.deepEqual(again.balances().closing, []);
  await again.stop();
  await server.close();
});

test("no node starts beside a backup that is newer than its store, and none is written over", async () => {
  const field = newField();
  const file = join(folder, "kept.backup");
  const old = new MemoryStore();
  const storage = new WatchedStore();
  const { alice } = await channelToBob(field, { backupFiles: [file], storage });
  const length = storage.commits.findIndex((batch) => batch.some(({ key }) => key.startsWith("channel/")));
  for (const batch of storage.commits.slice(0, length)) await old.commit(batch);
  const kept = readFileSync(file);
  assert.deepEqual(new Uint8Array(kept), alice.staticBackup());
  await alice.stop();
  const refused = async (more: Partial<NodeOptions>, code: string): Promise<void> => {
    await assert.rejects(Node.create(field.options("alice", more)), { code });
    assert.deepEqual(readFileSync(file), kept);
  };
  const { mutable, another } = { mutable: new Uint8Array(kept), another: { seed: new Uint8Array(32) } };
  await refused({ backupFiles: [file] }, "store-stale");
  await refused({ backupFiles: [file], storage: old }, "store-stale");
  await refused({ restoreFrom: mutable.fill(0, 60, 61) }, "backup-unusable");
  await refused({ restoreFrom: kept.subarray(0, 40) }, "backup-unusable");
  await refused({ restoreFrom: kept, ...another }, "backup-unusable");
  const used = new MemoryStore();
  for (const batch of storage.commits) await used.commit(batch);
  await refused({ restoreFrom: kept, storage: used }, "store-not-empty");

  // What is no backup of this node may be another's only one.
  const foreign = join(folder, "foreign.backup");
  writeFileSync(foreign, "somebody's");
  const node = await field.start("carol", { backupFiles: [foreign] });
  await until(() => existsSync(foreign) && readFileSync(foreign).length > 20, "the backup");
  const aside = readdirSync(folder).find((name) => name.startsWith("foreign.backup.set-aside-"));
  assert.equal(readFileSync(join(folder, aside ?? ""), "utf8"), "somebody's");
  await node.stop();
});

/** A place that takes `atOnce` backups, and others once it is let go. */
function slowPlace(atOnce: number) {
  const written: number[] = [];
  const waiting: (() => void)[] = [];
  let isSlow = true;
  const place = {
    name: "a slow bucket",
    async write(backup: Uint8Array): Promise<void> {
      if (isSlow && written.length >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
      written.push(backup.length);
    },
  };
  const letGo = (): void => {
    isSlow = false;
    for (const go of waiting) go();
  };
  return { place, written, waiting, letGo };
}

test("a funding is broadcast when the channel is in the backup, and a place that fails is told of", async () => {
  const field = newField();
  const { place, written, letGo } = slowPlace(1);
  const broken = {
    name: "a broken bucket",
    write(): Promise<void> {
      throw new Error("no bucket");
    },
  };
  const alice = await field.start("alice", { backupPlaces: [place, broken], backupAtPeers: false });
  const bob = await field.start("bob");
  await field.fund(alice);
  const opened = await alice.openChannel({ peer: bob.uri, amount: sat(1_000_000) });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([field.chain.mempool.length, written.length], [0, 1]);
  letGo();
  await until(() => field.chain.mempool.length === 1, "the funding");
  assert.equal(field.chain.mempool[0], opened.funding.txid);
  assert.equal(written.length, 2);
  const [warning] = alice.status().warnings.filter(({ code }) => code === "backup");
  assert.match(warning?.text ?? "", /a broken bucket: no bucket/);
});

test("after a crash before its channel is in the backup, a funding waits for that again", async () => {
  const field = newField();
  const first = slowPlace(1);
  const storage = new MemoryStore();
  const alice = await field.start("alice", { storage, backupPlaces: [first.place], backupAtPeers: false });
  const bob = await field.start("bob");
  await field.fund(alice);
  const { funding } = await alice.openChannel({ peer: bob.uri, amount: sat(1_000_000) });
  await until(() => first.waiting.length === 1, "the backup is on its way");
  const copy = new MemoryStore();
  for (const entry of await storage.scan("", undefined, 100_000)) await copy.commit([entry]);

  const second = slowPlace(0);
  const options = { storage: copy, backupPlaces: [second.place], backupAtPeers: false };
  const again = await field.start("alice", options);
  await until(() => second.waiting.length === 1, "the backup is on its way again");
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(field.chain.mempool, []);
  second.letGo();
  await until(() => field.chain.mempool.length === 1, "the funding");
  assert.equal(field.chain.mempool[0], funding.txid);
  assert.equal(again.channels().length, 1);
  first.letGo();
});
