import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { p2tr } from "@fulmen/bitcoin/script";
import type { ChannelAction } from "#src/channel/action";
import { closingFeeRange } from "#src/channel/ops/closing";
import type { FeeRange } from "#src/channel/state";
import { buildClosingTransaction } from "#src/commitment/closing";
import { noBytes, type Script, type Signature } from "#src/util/bytes";
import type { PaymentHash } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { feeratePerKw, type Sat, sat } from "#src/util/units";
import { type ClosingSigned, Features } from "#src/wire/index";
import {
  bytes32,
  complaintIn,
  defaultFeatures,
  defaultFeerates,
  formats,
  openPairs,
  Pair,
  refusalIn,
  type Side,
} from "./pair.ts";

function closedTogether({ alice, bob }: Pair): void {
  const [ours, theirs] = [alice, bob].map((side) => {
    assert.equal(side.state.kind, "closing", side.name);
    const transaction = side.state.closingTransaction;
    assert.deepEqual(side.actionsOf("broadcast").at(-1), {
      kind: "broadcast",
      transactions: [transaction],
      type: "cooperative-close",
    });
    return transaction;
  });
  assert.deepEqual(ours, theirs);
}

const openPair = openPairs({ push: 300_000_000n });

for (const format of formats) {
  const openPairOf = openPairs({ format, push: 300_000_000n });
  for (const closer of ["alice", "bob"] as const) {
    describe(`${closer} closes, ${format}`, () => {
      test("without HTLCs", () => {
        const pair = openPairOf();
        pair.shutdown(pair[closer]);
        pair.exchange();
        closedTogether(pair);
        const reasons = [pair.alice, pair.bob].map((side) => side.events("channel-closed")[0]?.reason.kind);
        const local = "locally-initiated-cooperative-closure";
        const remote = "counterparty-initiated-cooperative-closure";
        assert.deepEqual(reasons, closer === "alice" ? [local, remote] : [remote, local]);
      });

      test("with HTLCs: they are settled first, and no new ones are taken", () => {
        const pair = openPairOf();
        const htlcs = [pair.add(pair.alice, 50_000_000n), pair.add(pair.bob, 40_000_000n)];
        pair.exchange();
        pair.shutdown(pair[closer]);
        pair.exchange();
        for (const side of [pair.alice, pair.bob]) {
          assert.equal(side.state.kind, "shutting-down");
          assert.throws(() => pair.add(side, 1_000_000n), /refused: shutting-down/);
        }
        for (const htlc of htlcs) pair.fulfill(htlc);
        pair.exchange();
        closedTogether(pair);
      });

      test("with an HTLC that is not signed yet: shutdown follows the signature", () => {
        const pair = openPairOf();
        const side = pair[closer];
        const htlc = pair.add(side, 50_000_000n);
        pair.shutdown(side);
        assert.deepEqual(
          side.outbox.map(({ type }) => type),
          ["update_add_htlc"],
        );
        pair.command(side, { kind: "sign" });
        assert.deepEqual(
          side.outbox.map(({ type }) => type),
          ["update_add_htlc", "commitment_signed", "shutdown"],
        );
        pair.exchange();
        pair.fail(htlc);
        pair.exchange();
        closedTogether(pair);
      });
    });
  }

  describe(`shutdown, ${format}`, () => {
    test("both at once", () => {
      const pair = openPairOf();
      pair.shutdown(pair.alice);
      pair.shutdown(pair.bob);
      pair.exchange();
      closedTogether(pair);
    });

    test("before the channel is ready", () => {
      const pair = new Pair({ format }).openUnconfirmed();
      pair.shutdown(pair.bob);
      pair.exchange();
      closedTogether(pair);
    });

    test("crossing channel_ready and an HTLC: the HTLC is settled first", () => {
      const pair = new Pair({ format, push: 300_000_000n }).openUnconfirmed();
      const { alice, bob } = pair;
      pair.confirmFunding();
      pair.mine(5);
      pair.deliver(alice, "channel_ready");
      assert.equal(bob.state.kind, "normal");
      const htlc = pair.add(bob, 50_000_000n);
      pair.shutdown(alice);
      pair.exchange();
      pair.fulfill(htlc);
      pair.exchange();
      closedTogether(pair);
      assert.ok(alice.state.kind === "closing" && alice.balance === 750_000_000n);
    });

    test("wished for while offline", () => {
      const pair = openPairOf();
      pair.disconnect();
      pair.shutdown(pair.alice);
      assert.equal(pair.alice.outbox.length, 0);
      pair.reconnect();
      pair.exchange();
      closedTogether(pair);
    });

    test("after every message of a close with an HTLC, a new connection closes it all the same", () => {
      const pair = new Pair({ format, push: 300_000_000n, undriven: true }).open();
      const htlc = pair.add(pair.alice, 50_000_000n);
      pair.exchange();
      pair.shutdown(pair.bob);
      pair.fulfill(htlc);
      let cuts = 0;
      do {
        const cut = pair.fork();
        const done = [cut.alice, cut.bob].some(({ state }) => state.kind === "closing");
        cut.disconnect();
        cut.reconnect();
        cut.exchange();
        // Who has the last signature has closed; the other sees the transaction in the chain.
        if (done) closedByChain(cut);
        else closedTogether(cut);
        cuts++;
      } while (pair.exchange({ most: 1 }) > 0);
      assert.ok(cuts > 6, `${cuts} cuts`);
      closedTogether(pair);
    });
  });
}

describe("cmd shutdown", () => {
  test("twice", () => {
    const pair = openPair();
    pair.shutdown(pair.alice);
    assert.equal(refusalIn(pair.shutdown(pair.alice)), "already-closing");
  });

  test("to another script than was committed to", () => {
    const pair = openPair();
    const other = p2tr(bytes32(1)) as Script;
    assert.equal(refusalIn(pair.shutdown(pair.alice, other)), "incompatible-shutdown-script");
    assert.equal(pair.alice.state.kind, "normal");
  });

  test("to a taproot script only where the peer takes it", () => {
    const old = Features.of({ option_anchors: "optional" });
    const taproot = p2tr(bytes32(1)) as Script;
    const without = new Pair({ bob: { features: old } }).open();
    assert.equal(refusalIn(without.shutdown(without.alice, taproot)), "incompatible-shutdown-script");
    const features = defaultFeatures.set("option_upfront_shutdown_script", undefined);
    const both = new Pair({ alice: { features }, bob: { features } }).open();
    assert.equal(refusalIn(both.shutdown(both.alice, taproot)), undefined);
    both.exchange();
    closedTogether(both);
  });
});

describe("recv shutdown", () => {
  const shutdownOf = (side: Side, scriptpubkey: Script = side.shutdownScript) =>
    ({ type: "shutdown", channelId: side.channel.commitments.channelId, scriptpubkey }) as const;

  test("to a script of no allowed form", () => {
    const pair = openPair();
    const actions = pair.receive(pair.bob, shutdownOf(pair.alice, noBytes as Script));
    assert.equal(complaintIn(actions), "warning invalid-shutdown-script");
    assert.equal(pair.bob.state.kind, "normal");
  });

  test("to another script than was committed to", () => {
    const pair = openPair();
    const actions = pair.receive(pair.bob, shutdownOf(pair.alice, pair.bob.shutdownScript));
    assert.equal(complaintIn(actions), "warning not-the-upfront-script");
    assert.ok(actions.some(({ kind }) => kind === "disconnect"));
  });

  test("to another script than before", () => {
    const features = defaultFeatures.set("option_upfront_shutdown_script", undefined);
    const pair = new Pair({ alice: { features }, bob: { features } }).open();
    pair.receive(pair.bob, shutdownOf(pair.alice));
    const actions = pair.receive(pair.bob, shutdownOf(pair.alice, pair.bob.shutdownScript));
    assert.equal(complaintIn(actions), "warning shutdown-script-changed");
  });

  test("behind an HTLC that was not signed", () => {
    const pair = openPair();
    pair.add(pair.alice, 50_000_000n);
    pair.deliver(pair.alice, "update_add_htlc");
    const actions = pair.receive(pair.bob, shutdownOf(pair.alice));
    assert.equal(complaintIn(actions), "error shutdown-with-pending-adds");
    assert.equal(pair.bob.state.kind, "closing");
  });

  test("then update_add_htlc", () => {
    const pair = openPair();
    pair.add(pair.bob, 50_000_000n);
    pair.exchange();
    pair.add(pair.alice, 50_000_000n);
    const add = present(pair.alice.outbox.shift(), "update_add_htlc");
    pair.receive(pair.bob, shutdownOf(pair.alice));
    assert.equal(complaintIn(pair.receive(pair.bob, add)), "error add-after-shutdown");
  });
});

/** Both are negotiating; Alice's first proposal is in her outbox. */
function negotiating(): Pair {
  const pair = openPair();
  pair.shutdown(pair.alice);
  pair.deliver(pair.alice, "shutdown");
  pair.deliver(pair.bob, "shutdown");
  assert.equal(pair.alice.outbox[0]?.type, "closing_signed");
  return pair;
}

/** One side has the closing transaction whole; the other hears of it from its monitor. */
function closedByChain(pair: Pair): void {
  assert.ok([pair.alice, pair.bob].some(({ state }) => state.kind === "closing"));
  for (const side of [pair.alice, pair.bob]) {
    pair.feed(side, { kind: "funding-spent", by: "closing-transaction" });
    const initiator = side === pair.bob ? "locally" : "counterparty";
    assert.ok(side.state.kind === "closing");
    assert.equal(side.state.reason.kind, `${initiator}-initiated-cooperative-closure`);
  }
}

for (const isConnected of [true, false]) {
  test(`recv monitor closing for a due HTLC -- says which one it was, ${isConnected ? "" : "dis"}connected`, () => {
    const pair = openPair();
    if (!isConnected) pair.disconnect();
    const paymentHash = "dd".repeat(32) as PaymentHash;
    pair.feed(pair.alice, { kind: "funding-spent", by: "commitment", dueHtlc: paymentHash });
    assert.deepEqual(pair.alice.events("channel-closed")[0]?.reason, {
      kind: "htlcs-timed-out",
      paymentHash,
    });
    pair.feed(pair.bob, { kind: "funding-spent", by: "commitment" });
    assert.equal(pair.bob.events("channel-closed")[0]?.reason.kind, "commitment-transaction-confirmed");
  });
}

/** A valid `closing_signed` of `side`, with any fee and range. */
function closingOf(side: Side, fee: Sat, by: { feeRange?: FeeRange; omit?: "local" } = {}): ClosingSigned {
  const { commitments, shutdown } = side.channel;
  const funding = present(commitments.fundings[0], "a funding");
  const built = buildClosingTransaction({
    outPoint: funding.outPoint,
    isOpener: commitments.params.isOpener,
    toLocal: funding.localBalance,
    toRemote: funding.remoteBalance,
    localScript: present(shutdown.local, "a script"),
    remoteScript: present(shutdown.remote, "a script"),
    fee,
    dustLimit: sat(354),
    ...(by.omit && { omit: by.omit }),
  });
  assert.ok("transaction" in built);
  const answer = side.signer.sign({ kind: "closing", funding, transaction: built.transaction });
  assert.equal(answer?.kind, "closing");
  return {
    type: "closing_signed",
    channelId: commitments.channelId,
    feeSatoshis: fee,
    signature: answer.signature,
    tlvs: by.feeRange ? { feeRange: by.feeRange } : {},
  };
}

const range = (min: number, max: number): FeeRange => ({
  minFeeSatoshis: sat(min),
  maxFeeSatoshis: sat(max),
});

function sentFee(actions: readonly ChannelAction[]): Sat | undefined {
  for (const action of actions) {
    if (action.kind === "send" && action.message.type === "closing_signed") return action.message.feeSatoshis;
  }
  return undefined;
}

describe("recv closing_signed", () => {
  test("the opener proposes its least; the acceptor answers with the most of both; the opener agrees", () => {
    const pair = negotiating();
    const { alice, bob } = pair;
    const ours = closingFeeRange(alice.ctx, alice.channel);
    const first = alice.outbox[0];
    assert.ok(first?.type === "closing_signed" && first.feeSatoshis === ours.minFeeSatoshis);
    pair.deliver(alice);
    const answer = bob.outbox[0];
    assert.ok(answer?.type === "closing_signed" && answer.feeSatoshis === ours.maxFeeSatoshis);
    pair.deliver(bob);
    assert.equal(alice.state.kind, "closing");
    pair.deliver(alice);
    closedTogether(pair);
    assert.ok(bob.state.kind === "closing" && bob.state.proposals.length === 1);
    assert.ok(alice.state.kind === "closing" && alice.state.proposals.length === 2);
  });

  test("from the acceptor before the opener proposed", () => {
    const pair = negotiating();
    const { alice, bob } = pair;
    const actions = pair.receive(bob, closingOf(alice, sat(1_000), { feeRange: range(500, 2_000) }));
    assert.ok(sentFee(actions));
    pair.disconnect();
    pair.reconnect();
    pair.deliver(alice, "channel_reestablish");
    pair.deliver(bob, "channel_reestablish");
    const early = pair.receive(alice, closingOf(bob, sat(1_000), { feeRange: range(500, 2_000) }));
    assert.equal(complaintIn(early), "error closing-out-of-turn");
  });

  test("invalid signature", () => {
    const pair = negotiating();
    const message = closingOf(pair.alice, sat(1_000), { feeRange: range(500, 2_000) });
    const actions = pair.receive(pair.bob, { ...message, signature: new Uint8Array(64) as Signature });
    assert.equal(complaintIn(actions), "error invalid-closing-signature");
    assert.equal(pair.bob.state.kind, "closing");
  });

  test("signed without an output of its own", () => {
    const pair = negotiating();
    const message = closingOf(pair.alice, sat(1_000), { feeRange: range(1_000, 1_000), omit: "local" });
    pair.receive(pair.bob, message);
    assert.ok(pair.bob.state.kind === "closing");
    assert.equal(pair.bob.state.closingTransaction?.outputs.length, 1);
  });

  test("a fee outside of its own range", () => {
    const pair = negotiating();
    const message = closingOf(pair.alice, sat(400), { feeRange: range(500, 2_000) });
    assert.equal(complaintIn(pair.receive(pair.bob, message)), "error closing-fee-outside-own-range");
  });

  test("a range that has nothing in common with ours: a warning, and patience for two ticks", () => {
    const pair = negotiating();
    const { alice, bob } = pair;
    const message = closingOf(alice, sat(1), { feeRange: range(1, 2) });
    assert.equal(complaintIn(pair.receive(bob, message)), "warning no-common-closing-fee");
    assert.equal(bob.state.kind, "negotiating");
    pair.feed(bob, { kind: "tick" });
    assert.equal(bob.state.kind, "negotiating");
    pair.feed(bob, { kind: "tick" });
    assert.equal(bob.state.kind, "closing");
    assert.deepEqual(bob.actionsOf("watch-update").at(-1)?.update.steps, [
      { kind: "channel-force-closed", broadcast: true },
    ]);
  });

  test("the acceptor answers with a fee outside of the opener's range", () => {
    const pair = negotiating();
    const most = closingFeeRange(pair.alice.ctx, pair.alice.channel).maxFeeSatoshis;
    pair.alice.outbox = [];
    const message = closingOf(pair.bob, sat(most + 1n), { feeRange: range(1, 100_000) });
    assert.equal(complaintIn(pair.receive(pair.alice, message)), "error closing-fee-outside-our-range");
  });

  test("the opener does not take the fee that it could have had", () => {
    const pair = negotiating();
    pair.deliver(pair.alice);
    const message = closingOf(pair.alice, sat(900), { feeRange: range(500, 2_000) });
    assert.equal(complaintIn(pair.receive(pair.bob, message)), "error closing-fee-not-accepted");
  });

  test("more than the opener has", () => {
    const pair = negotiating();
    const { alice, bob } = pair;
    const message = closingOf(alice, sat(500), { feeRange: range(1, 1) });
    const actions = pair.receive(bob, { ...message, feeSatoshis: sat(800_000) });
    assert.equal(complaintIn(actions), "error opener-cannot-afford-fee");
  });

  test("without ranges: step by step to agreement, or an end", () => {
    const pair = negotiating();
    const { alice, bob } = pair;
    const { minFeeSatoshis: least } = closingFeeRange(bob.ctx, bob.channel);
    const low = pair.receive(bob, closingOf(alice, sat(10)));
    assert.equal(sentFee(low), least);
    const stubborn = pair.receive(bob, closingOf(alice, sat(20)));
    assert.equal(complaintIn(stubborn), "error no-common-closing-fee");
  });

  test("without ranges: an agreeable fee is taken at once", () => {
    const pair = negotiating();
    const actions = pair.receive(pair.bob, closingOf(pair.alice, sat(5_000)));
    assert.equal(sentFee(actions), 5_000n);
    assert.equal(pair.bob.state.kind, "closing");
  });

  test("the opener's wish for a feerate is its least", () => {
    const pair = openPair();
    const { alice } = pair;
    pair.command(alice, { kind: "shutdown", script: alice.shutdownScript, feerate: feeratePerKw(10_000) });
    pair.exchange();
    closedTogether(pair);
    assert.ok(alice.state.kind === "closing");
    const paid = alice.state.proposals.at(-1)?.fee ?? 0n;
    assert.ok(paid >= 6_700n && paid < 7_500n, `${paid} sat`);
  });

  test("different estimates on both sides still close", () => {
    const feerates = { ...defaultFeerates, channelCloseMinimum: feeratePerKw(2_000) };
    const pair = new Pair({ push: 300_000_000n, bob: { feerates } }).open();
    pair.shutdown(pair.bob);
    pair.exchange();
    closedTogether(pair);
  });

  test("a feerate that falls meanwhile: what was offered still holds", () => {
    const pair = negotiating();
    const { alice, bob } = pair;
    pair.deliver(alice);
    const feerates = { ...defaultFeerates, nonAnchorChannelFee: feeratePerKw(400) };
    alice.ctx = { ...alice.ctx, feerates };
    const answer = bob.outbox[0];
    const most = closingFeeRange(alice.ctx, alice.channel).maxFeeSatoshis;
    assert.ok(answer?.type === "closing_signed" && answer.feeSatoshis > most);
    pair.deliver(bob);
    pair.deliver(alice);
    closedTogether(pair);
  });

  test("a peer that asks for ever new closings is left", () => {
    const pair = negotiating();
    const { alice, bob } = pair;
    alice.outbox = [];
    assert.ok(bob.state.kind === "negotiating");
    const [proposal] = [{ transaction: present(pair.fundingTransaction, "a transaction"), fee: sat(1) }];
    bob.state = { ...bob.state, proposals: Array.from({ length: 100 }, () => present(proposal, "one")) };
    const actions = pair.receive(bob, closingOf(alice, sat(10)));
    assert.equal(complaintIn(actions), "error too-many-closing-proposals");
  });
});

describe("closing", () => {
  test("one side's dust has no output", () => {
    const pair = new Pair({ push: 300_000n }).open();
    pair.shutdown(pair.alice);
    pair.exchange();
    closedTogether(pair);
    assert.ok(pair.bob.state.kind === "closing");
    assert.equal(pair.bob.state.closingTransaction?.outputs.length, 1);
  });

  test("cooperative: the transaction is broadcast again with every block and to a peer that asks", () => {
    const pair = openPair();
    pair.shutdown(pair.alice);
    pair.exchange();
    const { alice } = pair;
    const before = alice.actionsOf("broadcast").length;
    pair.mine(2);
    assert.equal(alice.actionsOf("broadcast").length, before + 2);
    assert.equal(alice.events("channel-closed").length, 1);
  });

  test("cooperative: given up for our commitment, once", () => {
    const pair = openPair();
    pair.shutdown(pair.alice);
    pair.exchange();
    const close = () => pair.command(pair.alice, { kind: "force-close", message: "it does not confirm" });
    assert.deepEqual(
      close().flatMap((action) => (action.kind === "watch-update" ? action.update.steps : [])),
      [{ kind: "channel-force-closed", broadcast: true }],
    );
    assert.equal(refusalIn(close()), "closed");
    assert.equal(pair.alice.events("channel-closed").length, 1);
  });

  test("forced: the peer that reestablishes is told; preimages still reach the monitor", () => {
    const pair = openPair();
    const { alice, bob } = pair;
    const htlc = pair.add(alice, 50_000_000n);
    pair.exchange();
    pair.command(bob, { kind: "force-close", message: "enough" });
    pair.disconnect();
    pair.reconnect();
    assert.equal(complaintIn(pair.deliver(alice, "channel_reestablish")), "error the channel is closed");
    const learnt = pair.fulfill(htlc);
    assert.ok(
      learnt.some(
        (action) => action.kind === "watch-update" && action.update.steps[0]?.kind === "payment-preimage",
      ),
    );
    pair.deliver(bob, "error");
    assert.equal(alice.state.kind, "closing");
    assert.equal(alice.events("channel-closed")[0]?.reason.kind, "counterparty-force-closed");
  });
});
