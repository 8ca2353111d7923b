import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { msat } from "@fulmen/lightning/util";
import { type AliceProcess, HaPair, type Trip, until } from "./haPair.ts";

// timeout: 240 s

/*
 * Alice is two processes on one database, one of them active, with a channel to Bob. Whatever happens to the active
 * one, the other takes over: payments that were under way end, both ends of the channel agree to the millisatoshi, and
 * nothing was published.
 */

async function takesOver(standBy: AliceProcess): Promise<number> {
  const began = performance.now();
  await standBy.ready();
  return performance.now() - began;
}

describe("with the default lease", () => {
  it("a stand-by takes over within ten seconds of the active one's death", async () => {
    const pair = await HaPair.start(6_000);
    try {
      const active = await pair.alice();
      await active.ready();
      await pair.openChannel(active);
      const standBy = await pair.alice();
      await until("it waits", () => standBy.log.some((text) => text.includes("waiting for its lease")));
      await active.child.kill();
      const took = await takesOver(standBy);
      assert.ok(took < 10_000, `${took} ms`);
      assert.ok(took > 5_000, "the holder's duration was waited for");
      await pair.payBob(standBy, 1_000_000n);
      assert.equal(await pair.account(standBy), pair.expected);
    } finally {
      await pair.stop();
    }
  });
});

describe("with a short lease", () => {
  let pair: HaPair;
  let active: AliceProcess;
  let standBy: AliceProcess;

  before(async () => {
    pair = await HaPair.start(1_500);
    active = await pair.alice();
    await active.ready();
    await pair.openChannel(active);
    standBy = await pair.alice();
  });
  after(() => pair.stop());

  /** The stand-by is Alice now, and another process stands by. */
  async function successionIsDone(): Promise<AliceProcess> {
    const old = active;
    active = standBy;
    standBy = await pair.alice();
    return old;
  }

  /** It woke up in another's time: it says nothing more, and ends. */
  async function wakes(old: AliceProcess): Promise<void> {
    const { sent } = old;
    process.kill(old.child.pid, "SIGCONT");
    await until("the old one has ended", () => old.death !== undefined);
    assert.match(old.death ?? "", /exit code 3/);
    await pause(50);
    assert.equal(old.sent, sent, "bytes that the old one sent after it woke up");
  }

  const trips: readonly Trip[] = [
    { commits: 1, signal: "SIGSTOP" },
    { commits: 2, signal: "SIGSTOP" },
    { commits: 3, signal: "SIGSTOP" },
    { commits: 2, signal: "SIGKILL" },
  ];
  for (const trip of trips) {
    for (const payer of ["Alice", "Bob"]) {
      const { signal, commits } = trip;
      it(`${signal} between commit ${commits} of a payment by ${payer} and its effects`, async () => {
        const amount = BigInt(commits) * 1_000_000n + 1n;
        const payment =
          payer === "Alice" ? pair.payBob(active, amount, trip) : pair.payAlice(active, amount, trip);
        await Promise.all([payment, takesOver(standBy)]);
        const old = await successionIsDone();
        if (signal === "SIGSTOP") await wakes(old);
        assert.equal(await pair.account(active), pair.expected);
      });
    }
  }

  it("SIGSTOP at any other moment", async () => {
    process.kill(active.child.pid, "SIGSTOP");
    await takesOver(standBy);
    await pair.payBob(standBy, 2_000_000n);
    const old = await successionIsDone();
    await wakes(old);
    assert.equal(await pair.account(active), pair.expected);
  });

  it("the active one's database is out of reach: it is still, the other one takes over, and it ends when it is back", async () => {
    active.toDatabase.isDead = true;
    await takesOver(standBy);
    await pair.payBob(standBy, 2_000_000n);
    const old = await successionIsDone();
    const { sent } = old;
    await pause(500);
    assert.equal(old.sent, sent);
    old.toDatabase.isDead = false;
    old.toDatabase.cutClients();
    await until("the old one has ended", () => old.death !== undefined);
    assert.match(old.death ?? "", /exit code 3/);
    assert.equal(old.sent, sent);
    assert.equal(await pair.account(active), pair.expected);
  });

  it("the database dies and comes back: the node waits and goes on, and nobody takes over", async () => {
    const epoch = await active.child.call("epoch");
    const { invoice } = await pair.bob.call("invoice", {
      amount: msat(3_000_000n),
      description: "",
      hold: false,
    });
    await pair.server.kill();
    const { sent } = active;
    void active.child.call("pay", invoice).catch(() => undefined);
    await pause(2_500);
    assert.ok(active.sent - sent < 2_000, "no payment left");
    const [channel] = await pair.bob.call("channels");
    assert.equal(channel?.pendingHtlcs, 0);
    await pair.server.restart();
    await until("it pays", () =>
      [...pair.events.values()].some((event) => event.kind === "payment-sent" && event.amount === 3_000_000n),
    );
    pair.paid(3_000_000n);
    assert.equal(await active.child.call("epoch"), epoch);
    assert.equal(await pair.account(active), pair.expected);
  });

  it("the answers to two commits are lost: the node commits again and goes on, and nobody takes over", async () => {
    const epoch = await active.child.call("epoch");
    await pair.usable(active);
    const { toDatabase } = active;
    let cuts = 0;
    toDatabase.onRequest = (bytes) => {
      if (cuts === 2 || !Buffer.from(bytes).includes("WITH lease")) return undefined;
      cuts++;
      return () => toDatabase.cutClients();
    };
    await pair.payBob(active, 4_000_000n);
    assert.equal(cuts, 2);
    assert.equal(await active.child.call("epoch"), epoch);
    assert.equal(await pair.account(active), pair.expected);
  });

  it("goes over at once when the active one is stopped in order", async () => {
    await active.child.stop();
    const took = await takesOver(standBy);
    assert.ok(took < 2_000, `${took} ms`);
    await pair.payBob(standBy, 2_000_000n);
    active = standBy;
    assert.equal(await pair.account(active), pair.expected);
  });
});
