// timeout: 900 s
import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { dirname } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { BitcoindServer } from "@fulmen/testkit/bitcoind";
import { PracticeChain } from "@fulmen/testkit/chainSource";
import { FaultField, randomNumbers } from "./support/faultField.ts";
import { rest, until } from "./support/playfield.ts";

// Two nodes as processes, over TCP, on SQLite, with a served chain, and payments both ways all the time. After each
// fault: the channel is open, no millisatoshi is lost, and the nodes have gone on by themselves. `FULMEN_KILLS=1000`
// kills more often.

const seed = Number(process.env["FULMEN_SEED"] ?? 7);
const kills = Number(process.env["FULMEN_KILLS"] ?? 200);
const random = randomNumbers(seed + 1);
let field: FaultField;

before(async () => {
  field = await FaultField.begin(seed);
  await field.open();
  field.pay();
  await field.goesOn();
});
afterEach(async () => {
  await field.goesOn();
  await field.settle();
  field.pay();
});
after(async () => {
  console.log(
    `seed ${seed}: ${field.paid} payments, ${kills} kills, refusals:`,
    Object.fromEntries(field.refusals),
  );
  await field.end();
});

/** The height that each node says. */
const heights = (): Promise<readonly (number | undefined)[]> =>
  Promise.all(field.nodes.map(async ({ child }) => (await child?.call("status"))?.chain.height));
const areAtTip = async (): Promise<boolean> =>
  (await heights()).every((height) => height === field.practice.chain.tip.height);

describe("two nodes under payments", () => {
  it(`lose nothing when one is killed ${kills} times at random moments, some in the middle of its start`, async () => {
    for (let kill = 0; kill < kills; ) {
      const node = field.nodes[random() < 0.5 ? 0 : 1];
      await rest(random() * 400);
      await node.kill();
      kill++;
      if (kill < kills && random() < 0.25) {
        await node.startAndKill(random());
        kill++;
      }
      await node.start();
      field.check();
      if (kill % 10 === 0) await field.isWhole();
    }
  });

  for (const [name, index] of [
    ["alice", 0],
    ["bob", 1],
  ] as const) {
    it(`go on when the disk of ${name} was full for a while`, async () => {
      const node = field.nodes[index];
      node.limitFiles(0);
      await until(async () => (await node.child?.call("status"))?.phase === "frozen", "frozen", 20);
      await rest(1_500);
      const refused = await node.child?.call("receive", {}).catch((error: unknown) => error);
      assert.ok(refused instanceof Error && /^frozen: /.test(refused.message), String(refused));
      node.limitFiles(undefined);
      await until(async () => (await node.child?.call("status"))?.phase === "running", "running", 40);
    });
  }

  it("go on when their folder was moved away for a while", async () => {
    const [alice, bob] = field.nodes;
    const folder = dirname(alice.store);
    renameSync(folder, `${folder}.away`);
    for (const { child } of [alice, bob]) {
      await until(async () => (await child?.call("status"))?.phase === "frozen", "frozen", 20);
      assert.match((await child?.call("status"))?.failure ?? "", /is not where it was/);
    }
    renameSync(`${folder}.away`, folder);
    for (const { child } of [alice, bob])
      await until(async () => (await child?.call("status"))?.phase === "running", "running", 40);
  });

  it("keep a second process out while the first one hangs, which goes on later", async () => {
    const [alice] = field.nodes;
    alice.hang(true);
    const { code, message, remedy } = await alice.refusalOfSecond().finally(() => alice.hang(false));
    assert.match(message, new RegExp(`is in use by process ${alice.child?.pid} on `));
    assert.deepEqual([code, typeof remedy], ["second-instance", "string"]);
  });

  it("pay on while the chain source is down for six hours, and catch up", async () => {
    await field.service.interrupt();
    field.practice.chain.mine(36);
    await field.goesOn();
    await field.service.resume();
    await until(areAtTip, "the tip", 60);
  });

  it("believe no headers without work, and no blocks that do not follow", async () => {
    for (const lie of ["no-work", "broken-chain", "false-transactions"] as const) {
      const before = await heights();
      field.bitcoind.lie(lie);
      field.practice.chain.mine(2);
      await field.goesOn();
      assert.deepEqual(await heights(), before, lie);
      field.bitcoind.lie(undefined);
      field.practice.chain.mine(1);
      await until(areAtTip, "the tip", 60);
    }
  });

  it("stay where they are while the source tells of another chain with less work", async () => {
    const before = await heights();
    field.answering = new BitcoindServer(new PracticeChain().chain);
    await rest(500);
    await field.goesOn();
    assert.deepEqual(await heights(), before);
    field.answering = field.bitcoind;
    field.practice.chain.mine(1);
    await until(areAtTip, "the tip", 60);
  });

  it("pay on whatever the clocks of their machines do, and as before when those are right again", async () => {
    const month = 30 * 24 * 3_600;
    for (const [first, second] of [
      [month, month],
      [0, 0],
      [-month, -month],
      [0, 0],
      [600, 0],
      [0, month],
      [0, 0],
    ] as const) {
      field.nodes[0].shiftClock(first);
      field.nodes[1].shiftClock(second);
      await rest(200);
      // A node whose clock is ahead refuses invoices that have expired, as it must.
      if (first - second < 3_600 && second - first < 3_600) await field.goesOn();
    }
  });
});
