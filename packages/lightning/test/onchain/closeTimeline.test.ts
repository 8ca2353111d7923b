import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { FormatName } from "#src/commitment/params";
import { applyUpdate, type ChannelMonitor, locked, newMonitor } from "#src/onchain/channelMonitor";
import { planClaims } from "#src/onchain/claims";
import { closeTimeline, type TimelineEntry } from "#src/onchain/closeTimeline";
import { transactionConfirmed } from "#src/onchain/confirmations";
import { handedOver, spendableOutputs } from "#src/onchain/spendableOutputs";
import { timelineLines } from "#src/onchain/timelineText";
import type { BlockHash } from "#src/util/ids";
import { blockHeight } from "#src/util/ids";
import { feeratePerKw, msat } from "#src/util/units";
import {
  hashes,
  type MonitoredParty,
  monitoredPair,
  preimages,
  settle,
  spendOf,
  toSelfDelay,
} from "./monitoredPair.ts";

const expiry = 500;
const closedAt = 200;

/** HTLCs 0 to 2 that A offers, the last of them dust, and one that B offers, all committed on both sides. */
function pairWithHtlcs(format: FormatName): readonly [MonitoredParty, MonitoredParty] {
  const [a, b] = monitoredPair(format);
  const [first, second, third] = hashes;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  a.add(msat(50_000_000), first, expiry);
  a.add(msat(60_000_000), second, expiry + 1);
  a.add(msat(100_000), first, expiry);
  settle(a, b);
  b.add(msat(70_000_000), third, expiry + 2);
  settle(a, b);
  return [a, b];
}

function monitorOf({ setup, updates }: MonitoredParty): ChannelMonitor {
  return updates.reduce((monitor, update) => {
    const outcome = applyUpdate(monitor, update);
    return outcome.kind === "applied" ? outcome.monitor : assert.fail(outcome.kind);
  }, newMonitor(setup));
}

const channelKeysId = new Uint8Array(32).fill(9);

class View {
  readonly destination: Uint8Array;
  monitor: ChannelMonitor;
  tip = closedAt - 1;

  constructor(party: MonitoredParty) {
    this.destination = party.keysManager.destinationScript(channelKeysId);
    this.monitor = monitorOf(party);
  }

  confirm(transaction: Transaction, height: number): void {
    const at = { height: blockHeight(height), blockHash: "cd".repeat(32) as BlockHash };
    this.monitor = transactionConfirmed(this.monitor, transaction, at, this.destination);
    this.moveTo(height);
  }

  /** The tip is at `height`, and claims are as they should be there. */
  moveTo(height: number): void {
    this.tip = height;
    const feerates = { urgent: feeratePerKw(1_000), relaxed: feeratePerKw(500) };
    this.monitor = planClaims(this.monitor, { height, feerates }).monitor;
    const outputs = spendableOutputs(this.monitor, height, this.destination);
    if (outputs.length > 0) this.monitor = handedOver(this.monitor, outputs);
  }

  timeline(): readonly TimelineEntry[] {
    return closeTimeline(this.monitor, this.tip, this.destination);
  }

  states(): readonly string[] {
    return this.timeline().map(({ subject, state }) => {
      const name = subject.kind === "htlc" ? `${subject.direction} ${subject.id}` : subject.kind;
      return `${name} ${state.kind}`;
    });
  }

  lines(): string {
    return timelineLines(this.timeline(), this.tip).join("\n");
  }
}

function latest(party: MonitoredParty): NonNullable<MonitoredParty["ownCommitments"][number]> {
  return party.ownCommitments.at(-1) ?? assert.fail("no commitment");
}

function htlcOutput(party: MonitoredParty, direction: "incoming" | "outgoing", htlcId: bigint): number {
  const found = latest(party).htlcs.find((one) => one.direction === direction && one.id === htlcId);
  return found?.outputIndex ?? assert.fail("no such HTLC");
}

for (const format of formatNames) {
  describe(`timeline of a close, ${format}`, () => {
    it("follows our commitment from its publication to the last output", () => {
      const [a] = pairWithHtlcs(format);
      const view = new View(a);
      assert.deepEqual(view.timeline(), []);
      view.monitor = locked(view.monitor, true, "force-closed");
      view.moveTo(closedAt - 1);
      const [closing] = view.timeline();
      assert.deepEqual(closing?.subject, { kind: "closing" });
      assert.ok(closing?.state.kind === "being-claimed");
      assert.equal(closing.state.setAt, closedAt - 1);
      assert.match(
        view.lines(),
        /^the channel: our transaction waits for a block at \d+ sat\/kw since height 199; to be/,
      );

      const { transaction, toOwner, htlcs } = latest(a);
      const id = txid(transaction);
      view.confirm(transaction, closedAt);
      assert.deepEqual(view.states(), [
        "closing closed",
        "balance maturing",
        ...htlcs.map((one) =>
          one.direction === "incoming"
            ? "incoming 0 waits-for-preimage"
            : `outgoing ${one.id} waits-for-expiry`,
        ),
        "outgoing 2 trimmed",
      ]);
      const [closed, balance] = view.timeline();
      assert.deepEqual(closed?.state, {
        kind: "closed",
        by: "holder-commitment",
        txid: id,
        height: closedAt,
        finalAt: closedAt + 5,
      });
      assert.equal(balance?.amount, toOwner?.value);
      const until = closedAt + toSelfDelay - 1;
      assert.deepEqual(balance?.state, { kind: "maturing", txid: id, until });
      assert.match(
        view.lines(),
        new RegExp(`our balance, ${toOwner?.value} sat: ours by ${id}; .* height ${until} \\(`),
      );
      assert.match(
        view.lines(),
        /outgoing HTLC 1 \(hash .{8}\), 60000 sat: comes back to us from height 501 \(301 blocks/,
      );

      view.moveTo(until);
      assert.equal(view.states()[1], "balance handed-over");
      // The peer takes one that we offered; the other one expires.
      const preimage = preimages[1] ?? assert.fail("no preimage");
      const witness = [new Uint8Array(72), preimage, new Uint8Array(90)];
      view.confirm(spendOf([{ txid: id, index: htlcOutput(a, "outgoing", 1n), witness }]), 400);
      assert.ok(view.states().includes("outgoing 1 taken-by-peer"));
      view.moveTo(expiry);
      assert.ok(view.states().includes("outgoing 0 being-claimed"));
      const timeout = htlcs.find((one) => one.direction === "outgoing" && one.id === 0n)?.secondStage;
      view.confirm(timeout ?? assert.fail("no HTLC transaction"), expiry + 1);
      assert.ok(view.states().includes("outgoing 0 maturing"));
      view.moveTo(expiry + toSelfDelay);
      assert.ok(view.states().includes("outgoing 0 handed-over"));
    });

    it("tells what of the peer's commitment is ours", () => {
      const [a, b] = pairWithHtlcs(format);
      const view = new View(a);
      view.confirm(latest(b).transaction, closedAt);
      const states = [...view.states()].sort();
      assert.deepEqual(states, [
        "balance maturing",
        "closing closed",
        "incoming 0 waits-for-preimage",
        "outgoing 0 waits-for-expiry",
        "outgoing 1 waits-for-expiry",
        "outgoing 2 trimmed",
      ]);
      view.moveTo(expiry);
      const entry = view.timeline().find(({ state }) => state.kind === "being-claimed");
      assert.ok(entry?.state.kind === "being-claimed" && entry.subject.kind === "htlc");
      assert.equal(entry.subject.id, 0n);
      assert.equal(entry.state.feerate, 1_000n);
      assert.ok((entry.state.deadline ?? 0) > expiry);
    });

    it("tells what a cheat forfeits, and who has taken it", () => {
      const [a, b] = pairWithHtlcs(format);
      const revoked = latest(b);
      a.fulfill(a.removable()[0] ?? assert.fail("nothing to fulfill"));
      settle(a, b);
      const view = new View(a);
      view.confirm(revoked.transaction, closedAt);
      const states = view.states();
      assert.equal(
        states.filter((state) => state.endsWith("being-claimed")).length,
        1 + revoked.htlcs.length,
      );
      assert.match(view.lines(), /a commitment that the peer had revoked/);
      assert.match(view.lines(), new RegExp(`what the peer forfeits, ${revoked.toOwner?.value} sat`));
      // The peer is quicker with one HTLC: its output is forfeited all the same.
      const one = revoked.htlcs[0]?.secondStage ?? assert.fail("no HTLC transaction");
      view.confirm(one, closedAt + 1);
      const after = view.states();
      assert.equal(after.filter((state) => state.endsWith("taken-by-peer")).length, 1);
      assert.equal(after.filter((state) => state === "penalty being-claimed").length, 2);
    });
  });
}

describe("timeline of a close", () => {
  it("of a channel that is not ours to publish waits for the peer", () => {
    const [a] = pairWithHtlcs("anchors-zero-fee-htlc");
    const view = new View(a);
    view.monitor = locked(view.monitor, false, "force-closed");
    assert.deepEqual(view.states(), ["closing waits-for-peer"]);
    assert.match(view.lines(), /waits for the peer's commitment/);
  });

  it("of a cooperative close tells of the transaction and of our output", () => {
    const [a] = pairWithHtlcs("anchors-zero-fee-htlc");
    const view = new View(a);
    const script = a.keysManager.shutdownScript();
    view.monitor = {
      ...view.monitor,
      shutdownScript: script as NonNullable<ChannelMonitor["shutdownScript"]>,
    };
    const { txid: id, index } = view.monitor.setup.funding.outPoint;
    const closing = spendOf([{ txid: id, index, witness: [] }]);
    const paying = { ...closing, outputs: [{ value: closing.outputs[0]?.value ?? assert.fail(), script }] };
    view.confirm(paying, closedAt);
    assert.deepEqual(view.states(), ["closing closed", "balance maturing"]);
    view.moveTo(closedAt + 5);
    assert.deepEqual(view.states(), ["closing closed", "balance handed-over"]);
    assert.doesNotMatch(view.lines(), /final at/);
  });
});
