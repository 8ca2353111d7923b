// timeout: 240 s
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { Crowd } from "./support/crowd.ts";
import { FaultField } from "./support/faultField.ts";
import { until } from "./support/playfield.ts";

// `FULMEN_PAYMENTS=10000` pays more often: the hour of simulated time and more, in six minutes where nobody else works.

const payments = Number(process.env["FULMEN_PAYMENTS"] ?? 400);
const peers = Number(process.env["FULMEN_PEERS"] ?? 1_000);
const fastTime = fileURLToPath(new URL("support/fastTime.mjs", import.meta.url));

test(`with ${peers} peers, half of them slow, and ${payments} payments at ten times the speed of time, memory stays flat`, async () => {
  installNodeCrypto();
  const field = await FaultField.begin(11, { preload: [fastTime], gc: true, lanes: 8 });
  try {
    await field.open();
    const [alice] = field.nodes;
    const crowd = new Crowd(alice.uri);
    for (let i = 0; i < peers; i++) crowd.join(i % 2 === 0);
    await until(() => crowd.met >= peers, "all are connected", 60);
    field.pay();
    const used: number[] = [];
    const steps = 8;
    for (let step = 1; step <= steps; step++) {
      await field.goesOn(Math.ceil(payments / steps), 600);
      const { heapUsed, external, rss } = (await alice.child?.call("memory")) ?? assert.fail("no node");
      used.push(heapUsed);
      // What slow readers have coming to them comes and goes; it must have a limit.
      assert.ok(external < 512 << 20, `${external} bytes of buffers`);
      console.log(
        `${field.paid} payments, ${crowd.connected} peers, ${crowd.met} handshakes: heap ${heapUsed >> 20} MB, external ${external >> 20} MB, rss ${rss >> 20} MB`,
      );
    }
    crowd.end();
    await field.settle();
    const [middle = 0, end = 0] = [used[steps / 2 - 1], used.at(-1)];
    assert.ok(end < 1.1 * middle, `${middle} bytes in the middle, ${end} at the end`);
  } finally {
    await field.end();
  }
});
