import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BackupPlace, StaticBackups } from "@fulmen/background";
import { networks } from "@fulmen/bitcoin/network";
import type { MonitorSetup } from "@fulmen/lightning/onchain";
import { KeysManager } from "@fulmen/lightning/sign";
import { openStaticBackup, type StaticBackup } from "@fulmen/lightning/storage";
import { sat } from "@fulmen/lightning/util";
import { TestNetwork } from "@fulmen/testkit/network";
import { ManualClock, settled } from "../manualClock.ts";

const keys = new KeysManager(new Uint8Array(32).fill(3));

/** The setups of two channels. */
function twoSetups(): readonly MonitorSetup[] {
  const network = new TestNetwork();
  const [node, ...peers] = [network.addNode(), network.addNode(), network.addNode()];
  for (const peer of peers) {
    network.connect(node, peer);
    network.openChannel(node, peer, { funding: sat(500_000n) });
  }
  const monitors = node.chainMonitor.monitors();
  return [...monitors].map(({ setup }) => setup);
}

const [first, second] = twoSetups();
assert.ok(first !== undefined && second !== undefined);

/** A place that fails while it is told to. */
class TestPlace implements BackupPlace {
  readonly name = "a disk";
  readonly written: StaticBackup[] = [];
  isBroken = false;

  async write(bytes: Uint8Array): Promise<void> {
    if (this.isBroken) throw new Error("no disk");
    const opened = openStaticBackup(bytes, keys.peerStorageKey());
    assert.ok(opened.ok);
    this.written.push(opened.value);
  }
}

function backupsTo(places: readonly BackupPlace[], setups: MonitorSetup[], failures: number[] = []) {
  const clock = new ManualClock();
  let draws = 0;
  const backups = new StaticBackups({
    nodeId: keys.nodeId,
    network: networks.regtest,
    key: keys.peerStorageKey(),
    entropy: { randomBytes: (length) => new Uint8Array(length).fill(draws++) },
    clock,
    setups: () => setups,
    addresses: (nodeId) => [`${nodeId.slice(0, 4)}.example.org:9735`],
    places,
    lastCounter: 100,
    failed: (_place, _error, delay) => void failures.push(delay),
  });
  return { backups, clock };
}

describe("static backups", () => {
  it("are written when a channel comes or goes, and only then", async () => {
    const place = new TestPlace();
    const setups: MonitorSetup[] = [];
    const { backups } = backupsTo([place], setups);
    const states = [[], [], [first], [first], [first, second], [second]];
    for (const state of states) {
      setups.splice(0, setups.length, ...state);
      backups.check();
      await settled();
    }
    assert.deepEqual(
      place.written.map(({ channels }) => channels.map(({ channelId }) => channelId)),
      [[], [first.channelId], [first.channelId, second.channelId], [second.channelId]],
    );
    assert.deepEqual(
      place.written.map(({ counter }) => counter),
      [101, 102, 103, 104],
    );
    const { counterparty } = second;
    assert.deepEqual(place.written.at(-1)?.peers, [
      { nodeId: counterparty, addresses: [`${counterparty.slice(0, 4)}.example.org:9735`] },
    ]);
    assert.deepEqual(backups.behind, []);
  });

  it("that a place does not take are tried again, with the newest, and keep no other place waiting", async () => {
    const [broken, sound] = [new TestPlace(), new TestPlace()];
    broken.isBroken = true;
    const setups: MonitorSetup[] = [first];
    const failures: number[] = [];
    const { backups, clock } = backupsTo([broken, sound], setups, failures);
    backups.check();
    await clock.advance(3_500);
    assert.deepEqual(failures, [1_000, 2_000, 4_000]);
    assert.equal(sound.written.length, 1);
    assert.deepEqual(backups.behind, [broken]);
    setups.push(second);
    backups.check();
    await settled();
    broken.isBroken = false;
    await clock.advance(600_000);
    assert.deepEqual(
      broken.written.map(({ channels }) => channels.length),
      [2],
    );
    assert.deepEqual(backups.behind, []);
    broken.isBroken = true;
    setups.pop();
    backups.check();
    await settled();
    await backups.stop();
    broken.isBroken = false;
    await clock.advance(600_000);
    assert.equal(broken.written.length, 1);
  });

  it("do not keep a node from stopping by a place that never answers", async () => {
    const deaf = { name: "a deaf place", write: () => new Promise<void>(() => {}) };
    const { backups, clock } = backupsTo([deaf], [first]);
    backups.check();
    await settled();
    let hasStopped = false;
    void backups.stop().then(() => (hasStopped = true));
    await clock.advance(9_999);
    assert.ok(!hasStopped);
    await clock.advance(1);
    assert.ok(hasStopped);
  });
});
