// timeout: 1500 s
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { msat } from "@fulmen/lightning/util";
import { Crowd } from "./support/crowd.ts";
import { FaultField } from "./support/faultField.ts";
import type { KeptNode } from "./support/keptNode.ts";
import { rest, until } from "./support/playfield.ts";

// Two nodes as processes whose time goes ten times as fast, an hour with a block every ten minutes, and peers without
// channels around one of them. `FULMEN_PAYMENTS=1000` takes a tenth of it.

const payments = Number(process.env["FULMEN_PAYMENTS"] ?? 10_000);
const peers = Number(process.env["FULMEN_PEERS"] ?? 1_000);
const fastTime = fileURLToPath(new URL("support/fastTime.mjs", import.meta.url));
const speed = 10;
/** Milliseconds of ours that the nodes' hour takes. */
const hour = 3_600_000 / speed;
const blocksInAnHour = 6;
/** Bytes by which what is in use differs from one look to another: 600 for each payment of half an hour. */
const noise = 3_000_000;

const memoryOf = async ({ child }: KeptNode): Promise<NodeJS.MemoryUsage> =>
  (await child?.call("memory")) ?? assert.fail("no node");

test(`with ${peers} peers, half of them slow, and ${payments} payments in an hour at ten times the speed of time, memory stays flat`, async () => {
  installNodeCrypto();
  const pace = 10_000 / (hour / 1_000);
  const field = await FaultField.begin(11, {
    process: { preload: [fastTime], gc: true },
    lanes: 16,
    pace,
  });
  try {
    await field.open();
    const [alice, bob] = field.nodes;
    const quarterHour = await bob.child?.call("receive", { amount: msat(1_000), expirySeconds: 900 });
    const begun = performance.now();
    const used: number[][] = [];
    const steps = blocksInAnHour / 2;
    for (const half of [1, 2]) {
      field.pay();
      const crowd = new Crowd(alice.uri);
      for (let i = 0; i < peers; i++) crowd.join(i % 2 === 0);
      // Who was turned away in the rush comes again after up to two minutes.
      await until(() => crowd.met >= peers, "all are connected", 150);
      for (let step = 1; step <= steps; step++) {
        const due = Math.ceil((payments * ((half - 1) * steps + step)) / blocksInAnHour);
        await field.goesOn(Math.max(0, due - field.paid), 900);
        field.practice.chain.mine(1);
        const { heapUsed, external, rss } = await memoryOf(alice);
        // What slow readers have coming to them comes and goes; it must have a limit.
        assert.ok(external < 512 << 20, `${external} bytes of buffers`);
        console.log(
          `${field.paid} payments in ${Math.round((performance.now() - begun) / 1_000)} s, ${crowd.connected} peers, ${crowd.met} handshakes: heap ${heapUsed >> 20} MB, external ${external >> 20} MB, rss ${rss >> 20} MB`,
        );
      }
      crowd.end();
      await field.settle();
      await rest(2_000);
      used.push((await Promise.all(field.nodes.map(memoryOf))).map(({ heapUsed }) => heapUsed));
      console.log(`quiet after half ${half}: heaps of ${used.at(-1)} bytes`);
    }
    const [middle = [], end = []] = used;
    for (const [index, bytes] of end.entries()) {
      const grown = bytes - (middle[index] ?? 0);
      assert.ok(grown < noise, `${middle} bytes in the middle, ${end} at the end`);
    }
    const passed = (performance.now() - begun) * speed;
    if (passed > 900_000) {
      const asked = await bob.child?.call("payment", quarterHour?.paymentHash ?? assert.fail("no invoice"));
      assert.equal(asked?.status, "expired");
    }
  } finally {
    await field.end();
  }
});
