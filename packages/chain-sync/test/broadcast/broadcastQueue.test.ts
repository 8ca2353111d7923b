import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { type BroadcastOutcome, BroadcastQueue, ChainSourceError } from "@fulmen/chain-sync";
import type { LogRecord } from "@fulmen/lightning/handlers";

function transaction(locktime: number): Transaction {
  return { version: 2, inputs: [], outputs: [], locktime };
}

type Answer = BroadcastOutcome | Error;

/** Answers each broadcast by the next of `answers`, the last one again and again. */
class Double {
  readonly name = "a double";
  readonly heard: (readonly string[])[] = [];
  readonly answers: Answer[];
  gate: Promise<void> = Promise.resolve();

  constructor(...answers: Answer[]) {
    this.answers = answers;
  }

  async broadcast(transactions: readonly Transaction[]): Promise<BroadcastOutcome> {
    this.heard.push(transactions.map(txid));
    await this.gate;
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error("no answer");
    return answer;
  }
}

const accepted = { kind: "accepted" } as const;
const refused = { kind: "refused", reason: "insufficient fee" } as const;
const away = new ChainSourceError("unreachable", "nobody is there", "start it");

function queueOf(sources: readonly Double[], options: { maySend?: () => boolean; capacity?: number } = {}) {
  const log: LogRecord[] = [];
  const logger = { log: (record: LogRecord) => void log.push(record) };
  return { queue: new BroadcastQueue({ sources, logger, retryMilliseconds: 1, ...options }), log };
}

describe("the broadcast queue", () => {
  it("hands packages to every source", async () => {
    const sources = [new Double(accepted), new Double(accepted)];
    const { queue, log } = queueOf(sources);
    const [parent, child] = [transaction(1), transaction(2)];
    queue.broadcastTransactions([parent, child], "anchor-bump");
    queue.broadcastTransactions([], "sweep");
    await queue.idle();
    for (const { heard } of sources) assert.deepEqual(heard, [[txid(parent), txid(child)]]);
    assert.deepEqual(log, []);
  });

  it("tries again what nobody answered to, and says so once", async () => {
    const source = new Double(away, away, away, accepted);
    const { queue, log } = queueOf([source]);
    queue.broadcastTransactions([transaction(1)], "claim");
    await queue.idle();
    assert.equal(source.heard.length, 4);
    assert.equal(log.length, 1);
    assert.match(log[0]?.text ?? "", /trying again: a double: nobody is there/);
  });

  it("gives up in the end", async () => {
    const source = new Double(away);
    const log: LogRecord[] = [];
    const logger = { log: (record: LogRecord) => void log.push(record) };
    const queue = new BroadcastQueue({ sources: [source], logger, retryMilliseconds: 0 });
    queue.broadcastTransactions([transaction(1)], "claim");
    await queue.idle();
    assert.equal(source.heard.length, 13);
    assert.match(log.at(-1)?.text ?? "", /given up/);
  });

  it("is content when one source takes it", async () => {
    const [taking, failing, refusing] = [new Double(accepted), new Double(away), new Double(refused)];
    const { queue, log } = queueOf([failing, refusing, taking]);
    queue.broadcastTransactions([transaction(1)], "claim");
    await queue.idle();
    assert.equal(failing.heard.length, 1);
    assert.deepEqual(log, []);
  });

  it("waits for no source that hangs once another one has taken it", async () => {
    const hanging = new Double(accepted);
    hanging.gate = new Promise(() => {});
    const { queue } = queueOf([hanging, new Double(accepted)]);
    for (let n = 0; n < 10; n++) queue.broadcastTransactions([transaction(n)], "claim");
    await queue.idle();
    assert.equal(hanging.heard.length, 10);
  });

  it("logs a refusal once, and sends again what is asked for again", async () => {
    const source = new Double(refused);
    const { queue, log } = queueOf([source]);
    for (let n = 0; n < 3; n++) {
      queue.broadcastTransactions([transaction(1)], "sweep");
      await queue.idle();
    }
    assert.equal(source.heard.length, 3);
    assert.deepEqual(
      log.map(({ text }) => /refused .*: a double: insufficient fee/.test(text)),
      [true],
    );
  });

  it("sends again what is asked for while it is under way", async () => {
    const source = new Double(accepted);
    let open: () => void = () => {};
    source.gate = new Promise((resolve) => {
      open = resolve;
    });
    const { queue } = queueOf([source]);
    for (let n = 0; n < 3; n++) queue.broadcastTransactions([transaction(1)], "claim");
    assert.equal(source.heard.length, 1);
    open();
    await queue.idle();
    assert.equal(source.heard.length, 2);
  });

  it("asks whether it may send right before it does", async () => {
    const source = new Double(away, accepted);
    let mayBe = true;
    const { queue } = queueOf([source], { maySend: () => mayBe });
    queue.broadcastTransactions([transaction(1)], "claim");
    mayBe = false;
    await queue.idle();
    assert.equal(source.heard.length, 1, "the retry is held back");
  });

  it("drops the oldest when too many wait", async () => {
    const source = new Double(accepted);
    let open: () => void = () => {};
    source.gate = new Promise((resolve) => {
      open = resolve;
    });
    const { queue, log } = queueOf([source], { capacity: 3 });
    for (let n = 1; n <= 10; n++) queue.broadcastTransactions([transaction(n)], "claim");
    assert.equal(queue.size, 4 + 3);
    open();
    await queue.idle();
    assert.deepEqual(
      source.heard.map(([id]) => id),
      [1, 2, 3, 4, 8, 9, 10].map((n) => txid(transaction(n))),
    );
    assert.equal(log.length, 3);
  });

  it("stops", async () => {
    const source = new Double(away);
    const { queue } = queueOf([source]);
    queue.broadcastTransactions([transaction(1)], "claim");
    queue.stop();
    await queue.idle();
    queue.broadcastTransactions([transaction(2)], "claim");
    assert.equal(source.heard.length, 1);
    assert.equal(queue.size, 0);
  });
});
