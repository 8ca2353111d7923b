import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { verifyTransaction } from "@fulmen/bitcoin/interpreter";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { formatNames } from "#src/commitment/formats/formatOf";
import { holderCommitments } from "#src/onchain/validCommitments";
import type { Bytes32 } from "#src/util/bytes";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import type { DecodedMessage } from "#src/wire/index";
import type { ManagerNode } from "../manager/managers.ts";
import {
  AttackLine,
  cheatOf,
  configFor,
  htlcOutputs,
  monitorOf,
  showing,
  signFunding,
} from "./attackLine.ts";

// Who forwards pays downstream and is paid upstream. All of these attacks want the first without the second.

const amount = msat(20_000_000n);
const secret = (byte: number): Bytes32 => new Uint8Array(32).fill(byte) as Bytes32;
const preimage = secret(7);

function usable(node: ManagerNode): number {
  return node.manager.listUsableChannels().length;
}

/** That what is broadcast is valid, given what it spends. */
function checkScripts(transactions: readonly Transaction[], parent: Transaction): void {
  for (const transaction of transactions) {
    const prevouts = transaction.inputs.map(({ outPoint }) => {
      assert.equal(outPoint.txid, txid(parent));
      return present(parent.outputs[outPoint.index], "an output");
    });
    assert.deepEqual(verifyTransaction(transaction, prevouts), { ok: true });
  }
}

for (const format of formatNames) {
  describe(`preimage extraction, ${format}`, () => {
    // Eclair, disclosed 2025-09-23: preimages were looked for in the local commitment's HTLCs only.
    it("carol fails an HTLC, keeps her revocation, and claims it on the older commitment: upstream is claimed", () => {
      const line = new AttackLine(format);
      const { net, alice, bob, carol, bc } = line;
      const { paymentHash } = line.pay(amount, preimage);
      net.settle();
      const older = cheatOf(carol, bc);
      carol.manager.failHtlcBackwards(paymentHash);
      net.settle((from, { type }) => from === carol && type === "revoke_and_ack");
      const offered = bob.manager.core.channels.funded(bc)?.commitments;
      assert.ok(offered?.remoteNext !== undefined, "Bob has signed a commitment without the HTLC");
      net.disconnect(bob, carol);
      line.mine(1, [older.commitment()]);
      assert.equal(alice.eventsOf("payment-failed").length, 0);
      const [output] = htlcOutputs(bob, bc);
      line.mine(1, [showing(present(output, "an HTLC"), preimage)]);
      assert.equal(alice.eventsOf("payment-sent").length, 1);
      line.mine(10);
      assert.equal(alice.eventsOf("payment-failed").length, 0);
      assert.equal(usable(alice), 1);
      assert.equal(bob.eventsOf("payment-forwarded").length, 1);
    });
  });

  describe(`excessive failback, ${format}`, () => {
    // lnd, disclosed 2025-03-04 and 2025-12-04: after a restart an HTLC that was missing from the confirmed commitment
    // was failed upstream, though the peer downstream had claimed it by then.
    for (const [name, closer] of [
      ["their commitment", "carol"],
      ["our commitment, after their error", "bob"],
    ] as const) {
      for (const restarts of ["before the close", "after it", "both"] as const) {
        it(`${name} lacks the HTLC that was claimed off chain, restart ${restarts}: upstream is claimed`, () => {
          const line = new AttackLine(format);
          const { net, alice, bob, carol, bc } = line;
          line.pay(amount, preimage);
          net.settle();
          net.disconnect(alice, bob);
          carol.manager.claimFunds(preimage);
          net.settle();
          if (restarts !== "after it") bob.restart();
          let closing: Transaction;
          if (closer === "bob") {
            net.disconnect(bob, carol);
            bob.broadcasts.length = 0;
            bob.manager.forceCloseBroadcastingLatestTxn(bc, "the peer sent an error");
            net.settle();
            const bump = bob.monitor.takeBumpEvents().find(({ kind }) => kind === "channel-close");
            closing =
              bump?.kind === "channel-close" ? bump.commitment : present(bob.broadcasts[0], "a commitment");
          } else closing = cheatOf(carol, bc).commitment();
          line.mine(1, [closing]);
          assert.deepEqual(htlcOutputs(bob, bc), []);
          if (restarts !== "before the close") bob.restart();
          line.mine(12);
          net.connect(alice, bob);
          net.settle();
          assert.equal(alice.eventsOf("payment-failed").length, 0);
          assert.equal(alice.eventsOf("payment-sent").length, 1);
          assert.equal(usable(alice), 1);
        });
      }
    }
  });

  describe(`equal hashes, ${format}`, () => {
    // LDK 0.2.5 and 0.1.12 (#4854): a claim on a commitment that is not revoked was put down to the wrong twin.
    for (const claimed of [0, 1] as const) {
      it(`carol claims one of two twins of different payers, the ${claimed === 0 ? "first" : "second"}: its payer pays`, () => {
        const line = new AttackLine(format);
        const { net, alice, bob, carol, bc } = line;
        const dave = line.addPayer(format);
        line.pay(amount, preimage);
        net.settle();
        line.mine(1);
        const path = [
          { to: bob, by: dave.node, channelId: dave.channelId },
          { to: carol, by: bob, channelId: bc },
        ];
        net.pay(dave.node, amount, path, { preimage });
        net.settle((from, { type }) => from === carol && type === "update_fail_htlc");
        const carols = cheatOf(carol, bc);
        net.disconnect(bob, carol);
        const commitment = carols.commitment();
        line.mine(1, [commitment]);
        const twins = [...htlcOutputs(bob, bc)].sort((a, b) => Number(a.htlc?.id) - Number(b.htlc?.id));
        assert.equal(twins.length, 2);
        assert.notEqual(twins[0]?.htlc?.cltvExpiry, twins[1]?.htlc?.cltvExpiry);
        line.mine(1, [showing(present(twins[claimed], "a twin"), preimage)]);
        const [payer, other] = claimed === 0 ? [alice, dave.node] : [dave.node, alice];
        assert.equal(payer.eventsOf("payment-sent").length, 1);
        assert.equal(other.eventsOf("payment-sent").length, 0);
        bob.broadcasts.length = 0;
        const spared = present(twins[1 - claimed], "the other twin");
        line.mineTo(present(spared.htlc, "an HTLC").cltvExpiry);
        const claims = line.takeClaims(commitment);
        assert.deepEqual(
          claims.map(({ inputs }) => inputs.map(({ outPoint }) => outPoint)),
          [[spared.outPoint]],
        );
        checkScripts(claims, commitment);
        line.mine(6, claims);
        assert.equal(other.eventsOf("payment-failed").length, 1);
        assert.equal(payer.eventsOf("payment-failed").length, 0);
        assert.equal(usable(alice) + usable(dave.node), 2);
      });
    }
  });

  describe(`duplicate HTLCs, ${format}`, () => {
    // LDK, disclosed 2025-01-29 (#3556): a revoked commitment's HTLC was matched by hash and amount, its twins
    // forgotten, and the channels upstream closed when they expired.
    it("carol publishes a revoked commitment with one of two twins: both fail upstream in time", () => {
      const line = new AttackLine(format);
      const { net, alice, bob, carol, bc } = line;
      const isFailure = (from: ManagerNode, { type }: DecodedMessage) =>
        from === carol && type === "update_fail_htlc";
      line.pay(amount, preimage);
      net.settle(isFailure);
      const revoked = cheatOf(carol, bc);
      // Her refusal of the twin stays unsaid: both are on the commitment that follows.
      line.pay(amount, preimage);
      net.settle(isFailure);
      net.disconnect(bob, carol);
      bob.broadcasts.length = 0;
      const commitment = revoked.commitment();
      line.mine(1, [commitment]);
      const spender = bob.monitor.monitor(bc)?.chain.fundingSpend?.spender.kind;
      assert.equal(spender, "revoked-commitment");
      const penalties = line.takeClaims(commitment);
      checkScripts(penalties, commitment);
      assert.equal(htlcOutputs(bob, bc).length, 1);
      line.mine(6, penalties);
      assert.equal(alice.eventsOf("payment-failed").length, 2);
      assert.equal(alice.manager.listChannels()[0]?.pendingHtlcs, 0);
      line.mine(200);
      assert.equal(usable(alice), 1);
    });
  });

  describe(`a fake channel on an HTLC output, ${format}`, () => {
    // Nobody has disclosed this one: a channel may name any output as its funding, also one of a commitment that its
    // owner knows and has not published. Whoever watches an output for one channel only does not see what another has
    // to know of it.
    it("mallory names the output of Carol's HTLC as a funding: Bob sees Carol's claim all the same", () => {
      const line = new AttackLine(format);
      const { net, alice, bob, carol, bc } = line;
      const mallory = net.add(configFor(format));
      net.connect(mallory, bob);
      line.pay(amount, preimage);
      net.settle();
      const carols = cheatOf(carol, bc);
      const commitment = carols.commitment();
      const [built] = holderCommitments(monitorOf(carol, bc));
      const index = present(built?.built.htlcs[0], "an HTLC").outputIndex;
      const { temporary } = net.offer(mallory, bob);
      signFunding(mallory, bob, { temporary, outPoint: { txid: txid(commitment), index } });
      // From here on Mallory is silent.
      net.nodes.splice(net.nodes.indexOf(mallory), 1);
      net.settle();
      assert.equal(bob.manager.listChannels().length, 3);
      net.disconnect(bob, carol);
      line.mine(1, [commitment]);
      const [output] = htlcOutputs(bob, bc);
      assert.equal(output?.outPoint.index, index);
      line.mine(1, [showing(present(output, "an HTLC"), preimage)]);
      assert.equal(alice.eventsOf("payment-sent").length, 1);
      bob.archive();
      line.mine(10);
      assert.equal(alice.eventsOf("payment-failed").length, 0);
      assert.equal(usable(alice), 1);
    });
  });

  describe(`late preimages, ${format}`, () => {
    // LDK 0.1.6 (#4154): a preimage learnt after others had been claimed made an invalid transaction.
    it("upstream is on chain, and preimages come one by one: each is claimed, none twice", () => {
      const line = new AttackLine(format);
      const { net, alice, bob, carol, ab } = line;
      const secrets = [secret(11), secret(12), secret(13)];
      for (const one of secrets) line.pay(amount, one);
      net.settle();
      net.disconnect(alice, bob);
      const commitment = cheatOf(alice, ab).commitment();
      line.mine(1, [commitment]);
      assert.equal(htlcOutputs(bob, ab).length, 3);
      bob.broadcasts.length = 0;
      const spent = new Set<number>();
      for (const one of secrets) {
        carol.manager.claimFunds(one);
        net.settle();
        const claims = line.takeClaims(commitment);
        checkScripts(claims, commitment);
        const taken = claims.flatMap(({ inputs }) => inputs.map(({ outPoint }) => outPoint.index));
        assert.equal(taken.length, 1);
        for (const index of taken) assert.ok(!spent.has(index), "claimed twice");
        for (const index of taken) spent.add(index);
        line.mine(1, claims);
        line.mine(1);
        assert.deepEqual(line.takeClaims(commitment), []);
      }
      assert.equal(spent.size, 3);
      assert.equal(usable(carol), 1);
    });
  });
}
