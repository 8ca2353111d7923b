import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ScriptHash } from "#src/electrum/scriptHash";
import { Subscriptions } from "#src/electrum/subscriptions";

const hash = "01".repeat(32) as ScriptHash;
const [first, second, third] = ["a1", "b2", "c3"].map((pair) => pair.repeat(32));

/** A server whose answers the test gives. */
function asked(recheckInterval = 60_000) {
  const answers: { answer: (status: unknown) => void; fail: (error: Error) => void }[] = [];
  const subscriptions = new Subscriptions(
    () => new Promise((answer, fail) => void answers.push({ answer, fail })),
    recheckInterval,
  );
  return { subscriptions, answers };
}

describe("subscriptions to scripts", () => {
  it("are asked for once, and notifications are newer than the answer", async () => {
    const { subscriptions, answers } = asked();
    const status = subscriptions.statusOf(hash);
    answers[0]?.answer(first);
    assert.equal(await status, first);
    assert.equal(subscriptions.notified(hash, second), true);
    assert.equal(subscriptions.notified(hash, second), false, "no news");
    assert.equal(await subscriptions.statusOf(hash), second);
    assert.equal(answers.length, 1);
  });

  it("are asked for again when nothing is left of a history: it may have become too long", async () => {
    const { subscriptions, answers } = asked();
    const status = subscriptions.statusOf(hash);
    answers[0]?.answer(first);
    await status;
    assert.equal(subscriptions.notified(hash, null), true);
    const again = subscriptions.statusOf(hash);
    answers[1]?.fail(new Error("history too large"));
    await assert.rejects(again, /too large/);
    const last = subscriptions.statusOf(hash);
    subscriptions.notified(hash, null);
    answers[2]?.answer(null);
    assert.equal(await last, null);
  });

  it("heed a notification that comes in the same piece as the answer", async () => {
    const { subscriptions, answers } = asked();
    const status = subscriptions.statusOf(hash);
    answers[0]?.answer(first);
    // Before whoever waits for the answer goes on.
    subscriptions.notified(hash, second);
    assert.equal(await status, second);
  });

  it("are asked for again after a while, for servers that forget them", async () => {
    const { subscriptions, answers } = asked(20);
    for (const [index, status] of [first, third].entries()) {
      const asking = subscriptions.statusOf(hash);
      answers[index]?.answer(status);
      assert.equal(await asking, status);
      await sleep(25);
    }
    assert.equal(answers.length, 2);
  });

  it("know nothing of others, nor of those that were refused or forgotten", async () => {
    const { subscriptions, answers } = asked();
    assert.equal(subscriptions.notified("x", first), false);
    assert.equal(subscriptions.notified({}, first), false);
    const status = subscriptions.statusOf(hash);
    answers[0]?.fail(new Error("refused"));
    await assert.rejects(status, /refused/);
    assert.equal(subscriptions.notified(hash, first), false);
    const again = subscriptions.statusOf(hash);
    answers[1]?.answer(first);
    await again;
    assert.equal(subscriptions.forget(hash), true);
    assert.equal(subscriptions.forget(hash), false);
    assert.equal(subscriptions.notified(hash, second), false);
  });
});
