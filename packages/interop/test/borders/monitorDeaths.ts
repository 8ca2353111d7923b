import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import type { FormatName } from "@fulmen/lightning/commitment";
import { present } from "@fulmen/lightning/util";
import { MemoryStore } from "@fulmen/persist";
import { BorderNetwork } from "./borderNetwork.ts";
import type { Tap } from "./borderNode.ts";
import { MonitorsElsewhere } from "./monitorsElsewhere.ts";
import { SendCheck } from "./sendCheck.ts";

/** At which commits the first lives of each node's monitors end: during the openings, and during the payments. */
const deaths: readonly (readonly number[])[] = [[3], [9, 15], [14]];

/** The test in which monitors that live in processes of their own die, and defend a channel in the end. */
export function testMonitorDeaths(format: FormatName): void {
  it(`defend channels whose payments wait for them, and come back when they die (${format})`, async (t) => {
    const net = new BorderNetwork();
    const directory = mkdtempSync(join(tmpdir(), "fulmen-monitors-"));
    const monitors: MonitorsElsewhere[] = [];
    t.after(() => {
      for (const each of monitors) each.stop();
      rmSync(directory, { recursive: true, force: true });
    });
    const checks: SendCheck[] = [];
    for (const [index, nodeDeaths] of deaths.entries()) {
      const elsewhere = new MonitorsElsewhere(net.chain, { seed: index + 1, directory }, nodeDeaths);
      const check = new SendCheck();
      const tap: Tap = (edge, target) =>
        edge === "PeerManager > ChannelMessageHandler" ? new Proxy(target, check.inspecting()) : target;
      monitors.push(elsewhere);
      checks.push(check);
      await net.add({ store: new MemoryStore(), watch: check.watch(elsewhere.watch), tap });
    }
    const mine = (count: number): void => {
      for (let i = 0; i < count; i++) {
        net.mine(1);
        for (const each of monitors) each.tellBlocks([net.chain.tip]);
      }
    };
    const isIdle = (): boolean =>
      monitors.every(({ watch }) => watch.unanswered === 0) &&
      net.nodes.every(({ manager }) =>
        manager.listChannels().every(({ pendingHtlcs }) => pendingHtlcs === 0),
      );
    await net.until("start of the processes", () => monitors.every(({ isWelcomed }) => isWelcomed));
    net.connect(0, 1);
    net.connect(1, 2);
    await net.settle();

    for (const from of [0, 1]) {
      net.open(from, from + 1, format);
      const mempool = net.chain.mempool.length;
      await net.until("a funding transaction", () => net.chain.mempool.length > mempool);
    }
    mine(6);
    await net.until(
      "two channels",
      () => net.channelOf(0, 1) !== undefined && net.channelOf(1, 2) !== undefined,
    );
    await net.until("gossip of both channels", () => net.node(0).graph.channelCount === 2);

    for (let paid = 1; paid <= 4; paid++) {
      const hash = net.pay(0, 2, 50_000n);
      await net.until("a settled payment", () => net.told(0, "payment-sent", hash) === 1);
      await net.until("an idle network", isIdle);
      assert.equal(net.told(2, "payment-claimed", hash), 1);
    }
    for (const node of net.nodes) {
      assert.deepEqual(
        node.log.filter(({ level }) => level === "error" || level === "warn"),
        [],
      );
      assert.ok(
        node.manager.listChannels().every(({ isUsable, pendingHtlcs }) => isUsable && pendingHtlcs === 0),
      );
    }
    assert.equal(net.node(2).manager.listChannels()[0]?.localBalance, 200_000_000n);
    for (const check of checks)
      assert.ok(check.checked >= 8, `only ${check.checked} messages were looked at`);
    assert.deepEqual(net.chain.mempool, []);

    const channelId = net.channelOf(1, 2);
    assert.ok(channelId !== undefined);
    net.node(1).manager.forceCloseBroadcastingLatestTxn(channelId, "the test is over");
    const ours = present(monitors[1], "the monitors of the closer").broadcaster;
    await net.until("our commitment, from the other process", () => {
      net.payForCommitments(ours);
      return net.chain.mempool.length > 0;
    });
    assert.deepEqual(net.node(1).broadcaster.takeRefused(), []);
    assert.deepEqual(ours.takeRefused(), []);
    mine(1);
    const closed = (): boolean => net.node(2).events.some(({ kind }) => kind === "channel-closed");
    await net.until("the end of the channel", closed);

    const lives = monitors.map((each) => each.lives);
    assert.deepEqual(
      lives,
      deaths.map(({ length }) => length + 1),
      "a process did not die when it should have",
    );
    console.log(`${format}: ${checks.map(({ checked }) => checked)} messages looked at, ${lives} lives`);
  });
}
