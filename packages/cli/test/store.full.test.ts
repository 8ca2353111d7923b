// timeout: 120 s
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createClient } from "@fulmen/client";
import { PostgresServer } from "@fulmen/testkit/postgres";
import { begin, chainUrl, cleanUp, freePort, newNode, run } from "./support/processes.ts";

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
    assert.deepEqual([same.code, /\(same-store\)/.test(same.err)], [2, true], same.err);
  });
});
