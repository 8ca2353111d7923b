import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { applyUpdate, type ChannelMonitor, newMonitor } from "#src/onchain/channelMonitor";
import { planClaims } from "#src/onchain/claims";
import { monitorActions } from "#src/onchain/monitorActions";
import { feeratePerKw, msat } from "#src/util/units";
import { hashes, type MonitoredParty, monitoredPair, settle } from "./monitoredPair.ts";

const [hash] = hashes;
assert.ok(hash !== undefined);

function monitorOf(party: MonitoredParty): ChannelMonitor {
  return party.updates.reduce((monitor, update) => {
    const outcome = applyUpdate(monitor, update);
    return outcome.kind === "applied" ? outcome.monitor : assert.fail(outcome.kind);
  }, newMonitor(party.setup));
}

/** What a zero-fee channel's monitor wants done once it is to publish, with so many HTLCs of 300 sat each. */
function published(trimmed: number): readonly string[] {
  const [a, b] = monitoredPair("zero-fee-commitments");
  for (let i = 0; i < trimmed; i++) a.add(msat(300_000n), hash ?? assert.fail(), 500);
  settle(a, b);
  a.close(true);
  const height = 200;
  const feerates = { urgent: feeratePerKw(1000n), relaxed: feeratePerKw(1000n) };
  const plan = planClaims(monitorOf(a), { height, feerates });
  const destination = a.keysManager.destinationScript(new Uint8Array(32));
  return monitorActions(plan, { height, destination, signer: a.signer }).map(({ kind }) => kind);
}

describe("publishing a commitment without a fee", () => {
  it("is for a package when trimmed HTLCs give it no fee that would be relayed", () => {
    assert.deepEqual(published(0), ["bump"]);
    // 300 sat, of which the anchor takes 240.
    assert.deepEqual(published(1), ["bump"]);
  });

  it("goes alone as well when they do", () => {
    assert.deepEqual(published(3), ["broadcast", "bump"]);
  });
});
