import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ChainSourceError } from "@fulmen/chain-sync";
import { RpcConnection, type RpcLimits } from "#src/electrum/rpcConnection";

const patient: RpcLimits = {
  inFlight: 3,
  silence: 60_000,
  answer: 60_000,
  ping: 60_000,
  notifications: 5,
};

/** A connection whose other end is a list of what was sent. */
function connected(limits: Partial<RpcLimits> = {}) {
  const sent: { id: number; method: string; params: unknown[] }[] = [];
  const pieces: number[] = [];
  const notified: unknown[] = [];
  const lost: ChainSourceError[] = [];
  let isClosed = false;
  const connection = new RpcConnection(
    { ...patient, ...limits },
    {
      notified: (method, params) => notified.push([method, ...params]),
      lost: (error) => lost.push(error),
    },
  );
  connection.begin({
    send: (lines) => {
      pieces.push(lines.length);
      sent.push(...lines.map((line) => JSON.parse(line)));
    },
    close: () => {
      isClosed = true;
    },
  });
  const say = (message: object): void => {
    connection.heard();
    connection.line(JSON.stringify(message));
  };
  return { connection, sent, pieces, notified, lost, say, isClosed: () => isClosed };
}

const end = new ChainSourceError("stopped", "the test is over", "");

describe("requests over one connection", () => {
  it("leave in one piece, a few at a time, and are answered in any order", async () => {
    const { connection, sent, pieces, say } = connected();
    const answers = [0, 1, 2, 3, 4].map((n) => connection.ask("m", [n]));
    await sleep(0);
    assert.deepEqual(pieces, [3]);
    assert.deepEqual(
      sent.map(({ params }) => params[0]),
      [0, 1, 2],
    );
    for (const n of [2, 0, 1]) say({ id: n, result: `r${n}` });
    await sleep(0);
    assert.deepEqual(pieces, [3, 2]);
    say([
      { id: 4, result: "r4" },
      { id: 3, error: { code: 1, message: "no" } },
    ]);
    assert.deepEqual(
      (await Promise.all(answers)).map((answer) => (answer.ok ? answer.value : answer.error.message)),
      ["r0", "r1", "r2", "no", "r4"],
    );
    connection.close(end);
  });

  it("end with the connection, asked and waiting ones alike, and nobody is told who ended it himself", async () => {
    const { connection, lost, isClosed } = connected({ inFlight: 1 });
    const answers = [connection.ask("a"), connection.ask("b")];
    const failures = Promise.allSettled(answers);
    await sleep(0);
    connection.close(end);
    assert.deepEqual(
      (await failures).map((outcome) => outcome.status === "rejected" && outcome.reason),
      [end, end],
    );
    await assert.rejects(connection.ask("c"), end);
    assert.equal(isClosed(), true);
    assert.deepEqual(lost, []);
  });

  it("end it when the answer is garbage, asked by nobody, or comes twice", async () => {
    const faults: readonly ((say: (message: object) => void, line: (text: string) => void) => void)[] = [
      (_, line) => line("<html>"),
      (say) => say({ id: 7, result: 1 }),
      (say) => {
        say({ id: 0, result: 1 });
        say({ id: 0, result: 2 });
      },
      (say) => say([{ id: 0, result: 1 }, 5]),
      (say) => say({ id: null, error: { code: -32700, message: "invalid JSON" } }),
    ];
    for (const [index, fault] of faults.entries()) {
      const { connection, lost, say, isClosed } = connected();
      const answers = Promise.allSettled([connection.ask("a"), connection.ask("b")]);
      await sleep(0);
      fault(say, (text) => connection.line(text));
      const [, second] = await answers;
      assert.equal(lost[0]?.code, "invalid-answer", `fault ${index}`);
      assert.equal(lost.length, 1);
      assert.equal(isClosed(), true);
      assert.equal(second?.status, "rejected");
      say({ id: 1, result: "late" });
      assert.equal(lost.length, 1);
    }
  });

  it("are no reason for a flood of notifications", () => {
    const { lost, notified, say } = connected();
    for (let i = 0; i < 20; i++) say({ method: "news", params: [i] });
    assert.equal(notified.length, 5);
    assert.match(lost[0]?.message ?? "", /more than 5 notifications/);
  });

  it("are not waited for from a silent server", async () => {
    const { connection, lost, say } = connected({ silence: 40 });
    const refused = assert.rejects(connection.ask("slow"), { code: "unreachable", message: /slow in time/ });
    await sleep(20);
    say({ method: "news", params: [] });
    await refused;
    assert.equal(lost.length, 1);
  });

  it("are waited for as long after a time without any", async () => {
    const { connection, say } = connected({ silence: 80 });
    await sleep(120);
    const answer = connection.ask("late");
    await sleep(40);
    say({ id: 0, result: 1 });
    assert.equal((await answer).ok, true);
    connection.close(end);
  });

  it("are not waited for for ever from one that talks of other things", async () => {
    const { connection, say } = connected({ silence: 30, answer: 60, notifications: 1_000 });
    const chatter = setInterval(() => say({ method: "news", params: [] }), 5);
    await assert.rejects(connection.ask("slow"), { code: "unreachable" });
    clearInterval(chatter);
  });

  it("give way to pings, so that a dead connection is seen", async () => {
    const { connection, sent, lost, say } = connected({ silence: 40, ping: 40 });
    while (sent.length === 0) await sleep(5);
    assert.equal(sent[0]?.method, "server.ping");
    say({ id: 0, result: null });
    while (lost.length === 0) await sleep(5);
    assert.deepEqual(
      sent.map(({ method }) => method),
      ["server.ping", "server.ping"],
    );
    await assert.rejects(connection.ask("more"), { code: "unreachable" });
  });
});
