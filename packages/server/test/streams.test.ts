import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { present } from "@fulmen/lightning/util";
import { daemonDouble, tokens } from "./daemonDouble.ts";
import { someChannelId, someNodeId } from "./nodeDouble.ts";

/** Opens streams until one is refused, and says how many were not. */
async function openAll({ app }: ReturnType<typeof daemonDouble>, token: string, method = "GET") {
  for (let open = 0; open < 100; open++) {
    const headers = { authorization: `Bearer ${token}` };
    const response = await app.request("/v1/events", { method, headers });
    if (response.status === 200) continue;
    assert.equal(response.status, 503);
    assert.match(await response.text(), /"too-busy"/);
    return open;
  }
  return 100;
}

describe("texts that come piece by piece", () => {
  it("are so many at once for a token, and so many for all", async () => {
    const readers = tokens.map(({ id, name, hash }) => ({
      id,
      name,
      hash,
      scopes: ["read"] as const,
      createdAt: 0,
    }));
    const daemon = daemonDouble({ tokens: () => readers });
    const open: number[] = [];
    for (const token of ["read", "receive", "pay", "admin", "old"]) open.push(await openAll(daemon, token));
    assert.deepEqual(open, [16, 16, 16, 16, 0]);
  });

  it("of events begin no later than now, whatever index a reader has of a store that is gone", async () => {
    const { app, node } = daemonDouble();
    const headers = { authorization: "Bearer read", "last-event-id": "999999999999999" };
    const event = { kind: "channel-ready", channelId: someChannelId, peer: someNodeId } as const;
    node.emit(event);
    const { body } = await app.request("/v1/events", { headers });
    const reader = present(body ?? undefined, "a body").getReader();
    const next = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
    assert.match(await next(), /^id: 1\n/);
    const second = next();
    node.emit(event);
    assert.match(await second, /^id: 2\nevent: channel-ready\n/);
    await reader.cancel();
  });

  it("are not begun for who asks only for their head, who would never end them", async () => {
    const daemon = daemonDouble();
    let begun = 0;
    daemon.node.ledgerCsv = async function* () {
      begun++;
      try {
        yield "a\n";
      } finally {
        begun--;
      }
    };
    assert.equal(await openAll(daemon, "read", "HEAD"), 100);
    assert.equal((await daemon.ask("HEAD", "/v1/ledger.csv")).status, 200);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([begun, daemon.node.readers], [0, 0]);
    assert.match((await daemon.ask("GET", "/metrics")).text, /^fulmen_event_streams 0$/m);
  });

  it("that fail break off for the client, and say why to the log alone", async () => {
    const { app, node, lines, ask } = daemonDouble();
    const fail = async function* (): AsyncGenerator<never> {
      yield await Promise.reject(new Error("at http://user:hunter2@10.0.0.1/"));
    };
    node.ledgerCsv = fail;
    node.events = fail;
    for (const path of ["/v1/ledger.csv", "/v1/events"]) {
      const response = await app.request(path, { headers: { authorization: "Bearer read" } });
      await assert.rejects(response.text(), (error: Error) => !error.message.includes("10.0.0.1"));
    }
    const errors = lines.filter((line) => line.includes('"level":"error"'));
    assert.equal(errors.length, 2);
    for (const line of errors) assert.match(line, /(events|ledgerCsv) failed: .*\[redacted\]@10\.0\.0\.1/);
    assert.match((await ask("GET", "/metrics")).text, /^fulmen_event_streams 0$/m);
  });
});
