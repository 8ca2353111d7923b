import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chooseRouteHints, type HintChannel } from "#src/manager/routeHints";
import type { NodeId, ShortChannelId } from "#src/util/ids";
import { msat } from "#src/util/units";

/** A channel with `peer` that can take `capacity`; usable, private and with terms unless told otherwise. */
function channel(
  peer: number,
  capacity: number,
  change: Partial<HintChannel> & { hasTerms?: boolean } = {},
): HintChannel {
  const { hasTerms = true, ...rest } = change;
  const counterparty = `02${peer.toString(16).padStart(64, "0")}` as NodeId;
  const hop = {
    nodeId: counterparty,
    shortChannelId: BigInt(peer * 1_000_000 + capacity) as ShortChannelId,
    feeBase: msat(1),
    feeProportionalMillionths: 2,
    cltvExpiryDelta: 3,
  };
  return {
    counterparty,
    ...(hasTerms && { hop }),
    inboundCapacity: msat(capacity),
    isUsable: true,
    isAnnounced: false,
    isWellKnown: false,
    ...rest,
  };
}

/** Peer and capacity of the channels that are named, in their order. */
function chosen(channels: readonly HintChannel[], amount?: number): readonly string[] {
  return chooseRouteHints(channels, amount === undefined ? undefined : msat(amount)).map(
    ({ shortChannelId }) => {
      const id = Number(shortChannelId);
      return `${Math.floor(id / 1_000_000)}:${id % 1_000_000}`;
    },
  );
}

const offline = { isUsable: false };
const announced = { isAnnounced: true };

describe("the route hints of an invoice", () => {
  it("are none where payers find us by a public channel", () => {
    assert.deepEqual(chosen([channel(1, 100), channel(2, 100, { ...announced, isWellKnown: true })]), []);
    assert.deepEqual(
      chosen([channel(1, 100), channel(2, 1, { ...announced, isWellKnown: true, ...offline })]),
      [],
    );
  });

  it("name no private channel as soon as one is about to be public", () => {
    assert.deepEqual(chosen([channel(1, 100), channel(2, 50, announced)], 80), ["2:50"]);
    assert.deepEqual(chosen([channel(1, 100), channel(1, 50, announced)]), ["1:50"]);
  });

  it("name those that are connected and can take the amount, the smallest first, three at most", () => {
    const channels = [channel(1, 400), channel(2, 100), channel(3, 300), channel(4, 200), channel(5, 99)];
    assert.deepEqual(chosen(channels, 100), ["2:100", "4:200", "3:300"]);
    assert.deepEqual(chosen([...channels, channel(6, 150, offline)], 100), ["2:100", "4:200", "3:300"]);
  });

  it("come as near to that as they can", () => {
    const none: readonly string[] = [];
    assert.deepEqual(chosen([], 100), none);
    assert.deepEqual(chosen([channel(1, 100, { hasTerms: false })], 1), none);
    // Offline, but large enough: the largest first.
    const offlineOnly = [channel(1, 50), channel(2, 100, offline), channel(3, 300, offline)];
    assert.deepEqual(chosen(offlineOnly, 100), ["3:300", "2:100"]);
    // None is large enough: those that are connected, which parts may use together.
    assert.deepEqual(chosen([channel(1, 50), channel(2, 70, offline), channel(3, 60)], 100), [
      "3:60",
      "1:50",
    ]);
    assert.deepEqual(chosen([channel(1, 50, offline), channel(2, 70, offline)], 100), ["2:70", "1:50"]);
  });

  it("name one channel of each peer: the smallest with a tenth to spare, else the largest", () => {
    const ofOne = (...capacities: number[]) => capacities.map((capacity) => channel(1, capacity));
    assert.deepEqual(chosen(ofOne(100, 200)), ["1:200"]);
    assert.deepEqual(chosen(ofOne(200, 100)), ["1:200"]);
    assert.deepEqual(chosen(ofOne(115, 100), 100), ["1:115"]);
    assert.deepEqual(chosen(ofOne(105, 125), 100), ["1:125"]);
    assert.deepEqual(chosen(ofOne(115, 125), 100), ["1:115"]);
    assert.deepEqual(chosen(ofOne(200, 160), 100), ["1:160"]);
    assert.deepEqual(chosen(ofOne(100, 50), 200), ["1:100"]);
    assert.deepEqual(chosen(ofOne(100, 150), 200), ["1:150"]);
  });
});
