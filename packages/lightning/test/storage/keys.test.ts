import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import {
  channelPrefix,
  channelSecretKey,
  commitmentsKey,
  coreKey,
  eventKey,
  htlcPrefix,
  keyDescriptions,
  monitorHtlcsKey,
  monitorSecretKey,
  monitorSetupKey,
  monitorStateKey,
  monitorUpdateKey,
  outboxKey,
  parseChannelKey,
  parseMonitorKey,
  settledAfter,
  settledKey,
} from "#src/storage/v1/keys";
import type { ChannelId } from "#src/util/ids";

const id = "ab".repeat(32) as ChannelId;
const longest = 2n ** 64n - 1n;

describe("keys", () => {
  it("have the order of the numbers in them", () => {
    const numbers = [0, 1, 9, 10, 99, 100, 2 ** 48 - 1];
    const forms: readonly ((n: number) => string)[] = [
      (n) => monitorUpdateKey(id, n),
      eventKey,
      outboxKey,
      (n) => settledKey(id, n, "i7"),
      (n) => htlcPrefix(id, `o${n}`),
    ];
    for (const form of forms) {
      const keys = numbers.map(form);
      assert.deepEqual([...keys].sort(), keys);
    }
  });

  it("are parsed as they were made", () => {
    assert.deepEqual(parseChannelKey(coreKey(id)), { channelId: id, row: "core" });
    assert.deepEqual(parseChannelKey(commitmentsKey(id)), { channelId: id, row: "commitments" });
    const secret = { channelId: id, row: "secret", position: 47 };
    assert.deepEqual(parseChannelKey(channelSecretKey(id, 47)), secret);
    for (const htlcKey of ["i0", "o12", `i${longest}`]) {
      for (const row of ["static", "interval", "disposition", "onion"] as const) {
        const key = htlcPrefix(id, htlcKey) + row;
        assert.deepEqual(parseChannelKey(key), { channelId: id, row, htlcKey });
        assert.match(key, /^[A-Za-z0-9_./:-]{1,500}$/);
      }
    }
    for (const key of [
      "core",
      `${coreKey(id)}x`,
      `${channelSecretKey(id, 4)}7`,
      `${htlcPrefix(id, "i7")}extra`,
      `${channelPrefix(id)}htlc/i7/static`,
    ]) {
      assert.equal(parseChannelKey(key), undefined, key);
    }
  });

  it("of monitors are parsed as they were made", () => {
    const forms = [
      [monitorSetupKey(id), "setup", 0],
      [monitorStateKey(id), "state", 0],
      [monitorUpdateKey(id, 12), "update", 12],
      [monitorHtlcsKey(id, 2 ** 50), "htlcs", 2 ** 50],
      [monitorSecretKey(id, 48), "secret", 48],
    ] as const;
    for (const [key, row, number] of forms) {
      assert.deepEqual(parseMonitorKey(key), { channelId: id, row, number });
      assert.equal(parseMonitorKey(`${key}1`), undefined);
      assert.equal(parseMonitorKey(key.slice(0, -1)), undefined);
    }
  });

  it("are all in the documentation, and no other ones are", () => {
    const docs = readFileSync(new URL("../../../../docs/storage.md", import.meta.url), "utf8");
    const table = docs.slice(docs.indexOf("| key | record |"), docs.indexOf("**A start reads"));
    const rows = table
      .split("\n")
      .slice(2)
      .filter((line) => line !== "");
    assert.deepEqual(
      rows,
      keyDescriptions.map(([key, holds]) => `| \`${key}\` | ${holds} |`),
    );
  });

  it("let a breach skip HTLCs that had left before", () => {
    // The commitment 7 is the first without the HTLC: 6 had it, 7 did not.
    const key = settledKey(id, 7, `o${longest}`);
    assert.ok(key > settledAfter(id, 6));
    assert.ok(key < settledAfter(id, 7));
  });
});
