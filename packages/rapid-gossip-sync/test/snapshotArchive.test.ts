import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { decodeRapidHistory, decodeRapidSnapshot, encodeRapidHistory } from "@fulmen/lightning/gossip";
import type { UnixSeconds } from "@fulmen/lightning/util";
import { SnapshotArchive } from "@fulmen/rapid-gossip-sync";
import { addChannel, sampleGraph, setFee, start } from "./sampleGraph.ts";

const hour = 3600;
const day = 24 * hour;

function at(time: number): UnixSeconds {
  return time as UnixSeconds;
}

/** The first moment of the interval that begins `hours` after the one in which `start` is. */
function interval(hours: number): UnixSeconds {
  return at(start - (start % (3 * hour)) + hours * hour);
}

describe("an archive of snapshots", () => {
  it("tells everything to who knows nothing, and nothing to who knows everything", () => {
    const archive = new SnapshotArchive({ graph: () => sampleGraph(5), now: start });
    const all = decodeRapidSnapshot(archive.snapshot(2, 0).bytes);
    assert.deepEqual(
      [all.version, all.channels.length, all.updates.length, all.latestSeen],
      [2, 5, 10, start],
    );
    assert.equal(decodeRapidSnapshot(archive.snapshot(1, 0).bytes).version, 1);
    for (const since of [start, start + 1, 0xffff_ffff]) {
      assert.deepEqual(decodeRapidSnapshot(archive.snapshot(2, since).bytes).updates, []);
    }
  });

  it("looks at the graph once in an interval", () => {
    const graph = sampleGraph(2);
    const archive = new SnapshotArchive({ graph: () => graph, now: start });
    setFee(graph, 1, { fromNodeOne: true, feeBaseMsat: 7, time: at(start + 1) });
    assert.equal(archive.refresh(at(interval(3) - 1)), false);
    assert.equal(archive.snapshot(2, start).latestSeen, start);
    assert.equal(archive.refresh(interval(3)), true);
    assert.equal(archive.refresh(interval(3)), false);
    const { updates, latestSeen } = decodeRapidSnapshot(archive.snapshot(2, start).bytes);
    assert.equal(latestSeen, interval(3));
    assert.equal(updates.length, 4, "rounded down to before the archive began, so that all is told");
    addChannel(graph, 2, interval(4));
    archive.refresh(interval(6));
    assert.deepEqual(
      decodeRapidSnapshot(archive.snapshot(2, interval(3)).bytes).channels.map(({ nodeTwo }) =>
        nodeTwo.slice(-1),
      ),
      ["3"],
    );
  });

  it("makes each snapshot once, and few of them", () => {
    const graph = sampleGraph(1);
    const archive = new SnapshotArchive({ graph: () => graph, now: interval(0) });
    for (let hours = 3; hours <= 8 * 24; hours += 3) archive.refresh(interval(hours));
    const latest = interval(8 * 24);
    const made = new Set<unknown>();
    for (let since = 0; since <= 9 * day; since += 600) made.add(archive.snapshot(2, latest - since));
    assert(made.size <= 18, `${made.size} snapshots`);
    assert.equal(archive.snapshot(2, latest - hour), archive.snapshot(2, latest - 3 * hour));
    assert.notEqual(archive.snapshot(2, latest - hour), archive.snapshot(1, latest - hour));
  });

  it("tells at least what changed, however the time is rounded", () => {
    const graph = sampleGraph(1);
    const archive = new SnapshotArchive({ graph: () => graph, now: interval(0) });
    for (let hours = 3; hours <= 6 * 24; hours += 3) {
      setFee(graph, 0, { fromNodeOne: true, feeBaseMsat: hours, time: interval(hours) });
      archive.refresh(interval(hours));
      for (let ago = 3; ago <= hours; ago += 3) {
        const { updates } = decodeRapidSnapshot(archive.snapshot(2, interval(hours - ago)).bytes);
        const update = updates.find(({ isFromNodeOne }) => isFromNodeOne);
        const said = update?.kind === "full" ? update.terms : update?.changes;
        assert.equal(said?.feeBaseMsat, hours);
      }
    }
  });

  it("compresses a snapshot once for all", async () => {
    const snapshot = new SnapshotArchive({ graph: () => sampleGraph(50), now: start }).snapshot(2, 0);
    assert.equal(snapshot.compressed(), snapshot.compressed());
    assert.deepEqual(new Uint8Array(gunzipSync(await snapshot.compressed())), snapshot.bytes);
  });

  it("goes on with a history that was stored", () => {
    const graph = sampleGraph(3);
    const before = new SnapshotArchive({ graph: () => graph, now: interval(0) });
    const history = decodeRapidHistory(encodeRapidHistory(before.history));
    const archive = new SnapshotArchive({ graph: () => graph, now: interval(2), history });
    assert.equal(archive.history.observedAt, interval(0));
    archive.refresh(interval(3));
    assert.deepEqual(decodeRapidSnapshot(archive.snapshot(2, interval(0)).bytes).channels, []);
  });
});
