import assert from "node:assert/strict";
import fs, { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type MockTracker } from "node:test";
import { listOperations } from "@fulmen/api";
import { allows } from "@fulmen/api/routes";
import { type NodeId, present } from "@fulmen/lightning/util";
import type { NodeEvent } from "@fulmen/node";
import { Log, PaymentKeys, ServerError, type StoredToken, TokenFile, withoutSecrets } from "@fulmen/server";
import { RateLimiter } from "#src/limits/rateLimit";
import { findToken } from "#src/tokens/token";
import { daemonDouble, tokens } from "./daemonDouble.ts";
import { someNodeId } from "./nodeDouble.ts";

async function inFolder(use: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "fulmen-server-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("access", () => {
  it("needs a token with the route's scope, for every route and every scope", async () => {
    const wide = { perSecond: 1e6, burst: 1e6 };
    const { ask } = daemonDouble({ limits: { perToken: wide, perAddress: wide, wrongTokens: wide } });
    for (const { name, method, path, scope } of listOperations()) {
      if (name === "events") continue;
      for (const token of ["read", "receive", "pay", "admin", "old", "wrong", ""] as const) {
        // Checked before the input: a body that fits nothing shows that the gate lets through.
        const { status, json } = await ask(method, path, { token, ...(method === "POST" && { body: "{" }) });
        const code = json?.error?.code;
        const held = tokens.find(({ id }) => id === token)?.scopes ?? [];
        if (scope === undefined) assert.notEqual(status, 401, name);
        else if (token === "") assert.equal(code, "token-missing", name);
        else if (token === "wrong") assert.equal(code, "token-unknown", name);
        else if (token === "old") assert.equal(code, "token-expired", name);
        else if (allows(held, scope)) assert.ok(status !== 401 && status !== 403, `${name} with ${token}`);
        else assert.deepEqual([status, code], [403, "scope-missing"], `${name} with ${token}`);
      }
    }
  });

  it("is closed to pages of other sites unless they are named", async () => {
    const origin = { origin: "https://shop.example" };
    const closed = await daemonDouble().ask("GET", "/v1/info", { headers: origin });
    assert.equal(closed.headers.get("access-control-allow-origin"), null);
    const open = daemonDouble({ corsOrigins: ["https://shop.example"] });
    const answer = await open.ask("GET", "/v1/info", { headers: origin });
    assert.equal(answer.headers.get("access-control-allow-origin"), "https://shop.example");
    const other = await open.ask("GET", "/v1/info", { headers: { origin: "https://evil.example" } });
    assert.equal(other.headers.get("access-control-allow-origin"), null);
  });

  it("is refused for a while after too many requests, and after fewer wrong tokens", async () => {
    let now = 1_700_000_000_000;
    const limit = { perSecond: 1, burst: 2 };
    const wide = { perSecond: 100, burst: 100 };
    const { ask } = daemonDouble({
      now: () => now,
      limits: { perToken: limit, perAddress: wide, wrongTokens: limit },
    });
    const statuses = async (token: string) => (await ask("GET", "/v1/info", { token })).status;
    assert.deepEqual(
      [await statuses("read"), await statuses("read"), await statuses("read")],
      [200, 200, 429],
    );
    assert.equal(await statuses("admin"), 200);
    now += 1000;
    assert.equal(await statuses("read"), 200);
    assert.deepEqual([await statuses("x"), await statuses("y"), await statuses("z")], [401, 401, 429]);
    const refused = await ask("GET", "/v1/info", { token: "z" });
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "1"]);
    assert.equal(
      await statuses("admin"),
      200,
      "who shares the address with somebody who guesses is not shut out",
    );
  });

  it("is not taken from a token by who floods from the same address without one, as a page in its browser can", async () => {
    const narrow = { perSecond: 0.001, burst: 1 };
    const wide = { perSecond: 100, burst: 100 };
    const { ask } = daemonDouble({ limits: { perToken: wide, perAddress: narrow, wrongTokens: wide } });
    const statuses = async (path: string, token: string) => (await ask("GET", path, { token })).status;
    assert.deepEqual(
      [await statuses("/health", ""), await statuses("/health", ""), await statuses("/v1/info", "x")],
      [200, 429, 429],
    );
    assert.deepEqual([await statuses("/v1/info", "read"), await statuses("/v1/info", "read")], [200, 200]);
  });

  it("is not lost when the machine's clock goes back", () => {
    let now = 7_200_000;
    const limiter = new RateLimiter({ perSecond: 1, burst: 2 }, () => now);
    assert.equal(limiter.take("a"), undefined);
    now = 0;
    assert.equal(limiter.take("a"), undefined);
    assert.equal(limiter.take("a"), 1);
    now = 1_000;
    assert.equal(limiter.take("a"), undefined);
  });

  it("ends with the token, for a stream of events too", async ({ mock }) => {
    mock.timers.enable({ apis: ["setTimeout"] });
    let now = 1_700_000_000_000;
    let known: readonly StoredToken[] = [
      { ...present(tokens[0], "a token"), expiresAt: 1_700_000_100 },
      { ...present(tokens[3], "a token"), id: "revoked" },
    ];
    const { app, node } = daemonDouble({ now: () => now, tokens: () => known });
    const event = { kind: "channel-ready", channelId: "00".repeat(32), peer: someNodeId } as const;
    const read = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      const { status, body } = await app.request("/v1/events", { headers });
      assert.equal(status, 200);
      const reader = present(body ?? undefined, "a body").getReader();
      const next = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
      await next();
      return next;
    };
    const [first, second] = [await read("read"), await read("admin")];
    node.emit(event as NodeEvent);
    assert.match(await first(), /channel-ready/);
    assert.match(await second(), /channel-ready/);
    mock.timers.tick(15_000);
    assert.deepEqual([await first(), await second()], [": alive\n\n", ": alive\n\n"]);
    now += 100_000;
    known = known.filter(({ id }) => id !== "revoked");
    mock.timers.tick(15_000);
    assert.deepEqual([await first(), await second()], ["", ""]);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(node.readers, 0);
  });

  it("counts by address within a bound of memory", () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 }, () => 0, 3);
    for (const key of ["a", "b", "c", "a"]) limiter.take(key);
    assert.notEqual(limiter.take("a"), undefined);
    limiter.take("d");
    assert.equal(limiter.take("b"), undefined, "the one that was used longest ago is forgotten");
    assert.notEqual(limiter.take("d"), undefined);
  });
});

describe("keys of payments, where room is short", () => {
  /**
   * As a disk that is full after so many bytes of the next text: the rest is not written, and that is said only then.
   */
  function fillDisk(mock: { method: MockTracker["method"]; restoreAll(): void }, bytes: number): void {
    const write = fs.writeFileSync;
    mock.method(fs, "writeFileSync", (file: number, text: string) => {
      write(file, text.slice(0, bytes));
      throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    });
    mock.method(fs, "writeSync", (file: number, text: string) => {
      write(file, text.slice(0, bytes));
      return bytes;
    });
    syncBuiltinESMExports();
  }

  it("promise nothing on a full disk, and none is lost that comes later", ({ mock }) =>
    inFolder(async (folder) => {
      const path = join(folder, "keys");
      const keys = new PaymentKeys(path);
      await keys.set("first", { fingerprint: "f" });
      fillDisk(mock, 20);
      await assert.rejects(keys.set("second", { fingerprint: "f" }), { code: "payment-keys-unusable" });
      assert.equal(keys.find("second"), undefined);
      await keys.set("first", { fingerprint: "f", paymentId: "paid" });
      assert.equal(keys.find("first")?.paymentId, "paid");
      mock.restoreAll();
      syncBuiltinESMExports();
      await keys.set("third", { fingerprint: "f" });
      const read = new PaymentKeys(path);
      assert.deepEqual(
        ["first", "second", "third"].map((key) => read.find(key)?.fingerprint),
        ["f", undefined, "f"],
      );
    }));

  it("take no more room than the newest of them, however often one is used", () =>
    inFolder(async (folder) => {
      const path = join(folder, "keys");
      const keys = new PaymentKeys(path, 10);
      for (let i = 0; i < 200; i++) {
        await keys.set(`${i % 3}`, { fingerprint: `${i}` });
        assert.ok(statSync(path).size < 2_000);
      }
      assert.equal(new PaymentKeys(path).find("1")?.fingerprint, "199");
      for (const key of ["0", "1", "2"]) await keys.delete(key);
      assert.equal(new PaymentKeys(path).find("1"), undefined);
    }));
});

describe("a file of tokens", () => {
  it("holds hashes that only its owner may read, and finds a token by its text", () =>
    inFolder((folder) => {
      const path = join(folder, "tokens.json");
      const file = new TokenFile(path);
      const { text, token } = file.create({ name: "shop", scopes: ["receive"] });
      assert.match(text, /^fulmen_[A-Za-z0-9_-]{43}$/);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.ok(!readFileSync(path, "utf8").includes(text.slice(7)));
      assert.equal(findToken(file.list(), text)?.id, token.id);
      assert.equal(findToken(file.list(), `${text}x`), undefined);
    }));

  it("shows what another process made and revoked, a second later", () =>
    inFolder((folder) => {
      let now = 0;
      const path = join(folder, "tokens.json");
      const daemon = new TokenFile(path, () => now);
      assert.deepEqual(daemon.list(), []);
      const other = new TokenFile(path);
      const { token } = other.create({ name: "a", scopes: ["read"] });
      now += 1000;
      assert.deepEqual(daemon.list(), [token]);
      assert.ok(other.revoke("a"));
      assert.ok(!other.revoke("a"));
      now += 999;
      assert.equal(daemon.list().length, 1);
      now += 1;
      assert.deepEqual(daemon.list(), []);
    }));

  it("refuses a file that is none of ours", () =>
    inFolder((folder) => {
      const path = join(folder, "tokens.json");
      const bad = [
        "{",
        "[]",
        '{"tokens":[{}]}',
        '{"tokens":[{"id":"a","name":"a","scopes":["root"],"hash":"","createdAt":1}]}',
      ];
      for (const text of bad) {
        writeFileSync(path, text);
        assert.throws(
          () => new TokenFile(path).list(),
          (error) => error instanceof ServerError && error.code === "token-file-unusable",
          text,
        );
      }
    }));
});

describe("keys of payments", () => {
  it("are on the disk before a payment begins, and nobody else waits for that", ({ mock }) =>
    inFolder(async (folder) => {
      const path = join(folder, "keys");
      const keys = new PaymentKeys(path);
      const syncs: (() => void)[] = [];
      mock.method(fs, "fsync", (_: number, done: (error: Error | null) => void) => {
        syncs.push(() => done(null));
        if (syncs.length > 1) done(null);
      });
      syncBuiltinESMExports();
      let isSet = false;
      const setting = keys.set("a", { fingerprint: "f" }).then(() => {
        isSet = true;
      });
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual([isSet, syncs.length], [false, 1]);
      assert.equal(keys.find("a")?.fingerprint, "f");
      assert.match(readFileSync(path, "utf8"), /"fingerprint":"f"/);
      syncs[0]?.();
      await setting;
      await keys.set("a", { fingerprint: "f", paymentId: "p" });
      assert.equal(syncs.length, 1);
      mock.restoreAll();
      syncBuiltinESMExports();
    }));

  it("outlive the process, also when it died in the middle of a line", () =>
    inFolder(async (folder) => {
      const path = join(folder, "keys.jsonl");
      const keys = new PaymentKeys(path);
      await keys.set("a", { fingerprint: "f" });
      await keys.set("a", { fingerprint: "f", paymentId: "p" });
      await keys.set("b", { fingerprint: "g" });
      await keys.delete("b");
      writeFileSync(path, `${readFileSync(path, "utf8")}{"key":"cut o`);
      const again = new PaymentKeys(path);
      assert.deepEqual(again.find("a"), { fingerprint: "f", paymentId: "p" });
      assert.equal(again.find("b"), undefined);
      assert.equal(readFileSync(path, "utf8").split("\n").length, 2);
    }));
});

describe("the log", () => {
  it("writes no tokens, passwords or other secrets", () => {
    const lines: string[] = [];
    const log = new Log("debug", { write: (line) => void lines.push(line) });
    const token = `fulmen_${"A".repeat(43)}`;
    log.write("info", "x", `asked with ${token} of http://user:hunter2@10.0.0.1:8332/`, {
      authorization: "Bearer hunter2",
      password: "hunter2",
      seed: "hunter2 hunter2",
      preimage: "hunter2",
      url: "postgres://fulmen:hunter2@db/fulmen",
      header: "Authorization: Basic aHVudGVyMjpodW50ZXIy",
    });
    log.log({ level: "warn", module: "chain", text: `cookie https://a:hunter2@b ${token}` });
    const text = lines.join("");
    assert.equal(lines.length, 2);
    for (const secret of ["hunter2", token.slice(7), "aHVudGVyMjp"]) assert.ok(!text.includes(secret), text);
    assert.ok(text.includes("10.0.0.1:8332"));
    assert.equal(JSON.parse(lines[1] ?? "").level, "warn");
  });

  it("has so much of what peers give rise to and no more, and counts the rest", () => {
    const lines: string[] = [];
    let now = 0;
    const log = new Log("info", { write: (line) => void lines.push(line) }, () => now);
    const say = (nodeId: string, level: "debug" | "warn" | "error" = "warn"): void =>
      log.log({ level, module: "peer", text: "peer sends error: no", nodeId: nodeId as NodeId });
    for (let i = 0; i < 1_000; i++) say("02aa");
    assert.equal(lines.length, 60);
    for (let i = 0; i < 1_000; i++) say("02bb", "debug");
    for (let i = 0; i < 3_000; i++) say(`03${i}`);
    assert.ok(lines.length < 1_010, `${lines.length} lines`);
    const before = lines.length;
    say("02aa", "error");
    log.log({ level: "info", module: "chain", text: "a block" });
    assert.equal(lines.length, before + 2, "what is ours is written");
    now = 60_000;
    say("02aa");
    assert.match(lines.at(-2) ?? "", /"msg":"\d{4} lines about peers were left out"/);
  });

  it("leaves texts without secrets as they are", () => {
    const text = "peer 02ab at host:9735 sent fulmen_up; see https://example.org/a@b";
    assert.equal(withoutSecrets(text), text);
  });
});
