// timeout: 240 s
import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createClient } from "@fulmen/client";
import { readNodeRecord } from "@fulmen/lightning/storage";
import { openSqliteStore } from "@fulmen/persist/sqlite";
import { PostgresServer } from "@fulmen/testkit/postgres";
import { begin, chainUrl, cleanUp, freePort, newNode, run } from "./support/processes.ts";

const dieAt = new URL("support/dieAt.ts", import.meta.url).href;
let postgres: PostgresServer;
before(async () => {
  postgres = await PostgresServer.start();
});
after(async () => {
  await cleanUp();
  await postgres.stop();
});

describe("fulmen store move", () => {
  it("brings a node from SQLite to encrypted files, and on to PostgreSQL, and leaves one store that starts", async () => {
    const port = await freePort();
    const folder = await newNode("moving", { api: { port } });
    const configPath = join(folder, "fulmen.json");
    const chain = { source: "bitcoind", url: chainUrl, user: "fulmen", password: "secret" };
    const config = (storage: object) =>
      `{ "network": "regtest", // a comment\n "chain": ${JSON.stringify(chain)},\n "storage": ${JSON.stringify(storage)},\n "api": { "port": ${port} }, "listen": { "port": 0 } }`;
    writeFileSync(configPath, config({ kind: "sqlite" }));
    const token = readFileSync(join(folder, "cli.token"), "utf8").trim();
    const client = createClient({ url: `http://127.0.0.1:${port}`, token });
    const ask = (...parameters: string[]) => run([...parameters, "--data-dir", folder]);
    const start = async () => {
      const daemon = begin(["start", "--data-dir", folder]);
      await daemon.seen("Ready.");
      return daemon;
    };
    const stop = async (daemon: Awaited<ReturnType<typeof start>>) => {
      assert.equal((await ask("stop")).code, 0);
      assert.equal((await daemon.ended).code, 0);
    };

    const first = await start();
    const { paymentHash } = await client.receive({ description: "before it moved" });
    const refused = await ask("store", "move", "--to", "files");
    assert.deepEqual([refused.code, /runs this node already/.test(refused.err)], [6, true], refused.err);
    await stop(first);

    const sealed = { kind: "files", encrypted: true, path: join(folder, "sealed") };
    const database = { kind: "postgres", url: postgres.url(), node: "shop", encrypted: false };
    const move = async (storage: object, ...parameters: string[]) => {
      const moved = await ask("store", "move", ...parameters);
      assert.equal(moved.code, 0, moved.err);
      assert.match(moved.out, /^\d+ records are in /);
      assert.equal(
        readFileSync(configPath, "utf8"),
        config(storage),
        "the config names it, and kept all else",
      );
      const daemon = await start();
      assert.equal((await client.payment({ id: paymentHash })).description, "before it moved");
      await stop(daemon);
    };
    await move(sealed, "--to", "files", "--path", sealed.path, "--encrypt");
    const unsealed = run(["start", "--data-dir", folder], { env: { FULMEN_STORAGE_ENCRYPTED: "false" } });
    assert.equal((await unsealed).code, 11, "what is encrypted is not read as plain");
    await move(database, "--to", "postgres", "--url", database.url, "--node", "shop");
    const old = await run(["start", "--data-dir", folder], { env: { FULMEN_STORAGE_KIND: "sqlite" } });
    assert.deepEqual([old.code, /was moved/.test(old.err)], [11, true], old.err);
    const again = await ask("store", "move", "--to", "sqlite");
    assert.deepEqual([again.code, /\(not-empty\)/.test(again.err)], [11, true], again.err);
    const same = await ask("store", "move", "--to", "postgres", "--url", postgres.url(), "--node", "shop");
    assert.deepEqual([same.code, /are in .* already/.test(same.out)], [0, true], same.err);
    const sealing = await ask(
      ...["store", "move", "--to", "postgres", "--url", postgres.url(), "--node", "shop", "--encrypt"],
    );
    assert.deepEqual([sealing.code, /\(same-store\)/.test(sealing.err)], [2, true], sealing.err);
  });

  it("leaves at most one store that starts wherever it is killed, and the same command finishes it", async () => {
    const port = await freePort();
    const prepared = await newNode("prepared", { api: { port } });
    const daemon = begin(["start", "--data-dir", prepared]);
    await daemon.seen("Ready.");
    assert.equal((await run(["stop", "--data-dir", prepared])).code, 0);
    await daemon.ended;

    const seen = new Set<string>();
    /** False when the command came to its end before it was killed. */
    const killedBefore = async (step: number): Promise<boolean> => {
      const folder = `${prepared}-${step}`;
      cpSync(prepared, folder, { recursive: true });
      const [old, moved] = [join(folder, "node.sqlite"), join(folder, "moved.sqlite")];
      const move = ["store", "move", "--data-dir", folder, "--to", "sqlite", "--path", moved];
      const env = { NODE_OPTIONS: `--import=${dieAt}`, DIE_AT: String(step) };
      const { code } = await run(move, { env });
      const named = readFileSync(join(folder, "fulmen.json"), "utf8").includes("moved.sqlite");
      seen.add(`${await starts(old)} ${await starts(moved)} ${named}`);
      const again = await run(move);
      assert.equal(again.code, 0, again.err);
      assert.match(again.out, /records are in /);
      assert.deepEqual([await starts(old), await starts(moved)], [false, true]);
      assert.match(readFileSync(join(folder, "fulmen.json"), "utf8"), /moved\.sqlite/);
      return code === null;
    };
    let step = 0;
    while (await killedBefore(step)) step++;
    assert.ok(step > 5, `${step} steps`);
    // Two stores cannot be changed at once: between the two changes there is none.
    const wanted = ["false false false", "false true false", "false true true", "true false false"];
    assert.deepEqual([...seen].sort(), wanted);
    const last = begin(["start", "--data-dir", `${prepared}-${step}`]);
    await last.seen("Ready.");
    last.child.kill("SIGTERM");
    assert.equal((await last.ended).code, 0);
  });
});

/** Whether a node would start from a store. */
async function starts(path: string): Promise<boolean> {
  if (!existsSync(path)) return false;
  const store = await openSqliteStore(path);
  try {
    const record = await store.read("node");
    if (record === undefined) return false;
    const node = readNodeRecord(record);
    return node.ok && node.value.movedTo === undefined;
  } finally {
    await store.close();
  }
}
