import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { FormatName } from "#src/commitment/params";
import { type BlockHash, blockHeight } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import { AttackLine, cheatOf, htlcOutputs, showing } from "./attackLine.ts";

// LDK #2623: after a reorganisation another commitment confirms than before. Three are valid at once while the peer
// keeps its revocation: ours, its current one and the one before. Whichever it is in the end, an HTLC is settled by
// that one.

const amount = msat(20_000_000n);
const preimage = new Uint8Array(32).fill(7);
const names = ["ours", "theirs", "their previous"] as const;
type Name = (typeof names)[number];

/** One payment of Alice's waits at Carol on all three commitments; a second one is on Carol's current one only. */
function contested(format: FormatName) {
  const line = new AttackLine(format);
  const { net, bob, carol, bc } = line;
  line.pay(amount, preimage);
  net.settle();
  const ours = cheatOf(bob, bc);
  line.pay(amount, new Uint8Array(32).fill(8));
  const older = cheatOf(carol, bc);
  net.settle((from, { type }) => from === carol && type === "revoke_and_ack");
  assert.ok(bob.manager.core.channels.funded(bc)?.commitments.remoteNext !== undefined);
  net.disconnect(bob, carol);
  const theirs = cheatOf(carol, bc);
  const commitments: Record<Name, Transaction> = {
    ours: ours.commitment(),
    theirs: theirs.commitment(),
    "their previous": older.commitment(),
  };
  return { line, commitments };
}

function disconnectTo({ net }: AttackLine, height: number): void {
  const to = { hash: "00".repeat(32) as BlockHash, height: blockHeight(height) };
  for (const { monitor, manager } of net.nodes) {
    monitor.blocksDisconnected(to);
    manager.blocksDisconnected(to);
  }
  net.height = height;
  net.settle();
}

for (const format of formatNames) {
  describe(`a reorganisation to each of the valid commitments, ${format}`, () => {
    for (const first of names) {
      for (const last of names) {
        if (first === last) continue;
        it(`${first}, then ${last}: the one that stays settles the HTLC`, () => {
          const { line, commitments } = contested(format);
          const { alice, bob, bc } = line;
          assert.equal(new Set(Object.values(commitments).map(txid)).size, 3);
          const fork = line.net.height;
          line.mine(4, [commitments[first]]);
          const before = htlcOutputs(bob, bc).map(({ outPoint }) => outPoint.txid);
          assert.ok(before.length > 0 && before.every((one) => one === txid(commitments[first])));
          disconnectTo(line, fork);
          assert.deepEqual(htlcOutputs(bob, bc), []);
          line.mine(1, [commitments[last]]);
          line.mine(4);
          const spend = bob.monitor.monitor(bc)?.chain.fundingSpend;
          assert.equal(spend?.txid, txid(commitments[last]));
          assert.equal(
            spend?.spender.kind,
            last === "ours" ? "holder-commitment" : "counterparty-commitment",
          );
          const htlc = present(
            htlcOutputs(bob, bc).find((one) => one.htlc?.id === 0n),
            "the first HTLC",
          );
          assert.equal(alice.eventsOf("payment-failed").length, 0);
          line.mine(1, [showing(htlc, preimage)]);
          assert.equal(alice.eventsOf("payment-sent").length, 1);
          bob.restart();
          line.mine(12);
          // The second HTLC waits for its expiry, or is not on the commitment, and fails upstream.
          const hasBoth = htlcOutputs(bob, bc).length === 2;
          assert.equal(alice.eventsOf("payment-sent").length, 1);
          assert.equal(alice.eventsOf("payment-failed").length, hasBoth ? 0 : 1);
          assert.equal(alice.manager.listUsableChannels().length, 1);
        });
      }
    }
  });
}
