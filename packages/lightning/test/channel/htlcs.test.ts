import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defaultUserConfig } from "#src/channel/config";
import type { HtlcToSend } from "#src/channel/disposition";
import { formatOf } from "#src/commitment/formats/formatOf";
import type { Bytes32, Signature } from "#src/util/bytes";
import { type ChannelId, htlcId } from "#src/util/ids";
import { msat } from "#src/util/units";
import type { LightningMessage, UpdateAddHtlc } from "#src/wire/index";
import {
  bytes32,
  complaintIn,
  formats,
  hashOf,
  htlcToSend,
  openPairs,
  type Pair,
  preimageOf,
  refusalIn,
  type Side,
  startHeight,
} from "./pair.ts";

function addRefused(
  pair: Pair,
  side: Side,
  amount: bigint,
  change: Partial<HtlcToSend> = {},
): string | undefined {
  const htlc = htlcToSend(amount, preimageOf(900), change);
  const before = side.state;
  const actions = pair.command(side, { kind: "add-htlc", htlc });
  assert.equal(side.state, before, "a refused command changes nothing");
  return refusalIn(actions);
}

/** `update_add_htlc` to Bob, with this change. */
function receiveAdd(pair: Pair, change: Partial<UpdateAddHtlc>): string | undefined {
  const { channelId, nextRemoteHtlcId } = pair.bob.channel.commitments;
  const message: UpdateAddHtlc = {
    type: "update_add_htlc",
    channelId,
    id: nextRemoteHtlcId,
    amountMsat: msat(1_000_000),
    paymentHash: hashOf(preimageOf(1)),
    cltvExpiry: startHeight + 100,
    onionRoutingPacket: new Uint8Array(1366),
    tlvs: {},
    ...change,
  };
  return complaintIn(pair.receive(pair.bob, message));
}

for (const format of formats) {
  const openPair = openPairs({ format, push: 300_000_000n });
  const tight = {
    ...defaultUserConfig,
    channelHandshakeConfig: {
      ...defaultUserConfig.channelHandshakeConfig,
      ourHtlcMinimum: msat(1_000),
      ourMaxAcceptedHtlcs: 2,
      unannouncedMaxInboundHtlcValueInFlightPercent: 5,
    },
  };
  const tightPair = openPairs({ format, push: 300_000_000n, bob: { config: tight } });

  describe(`cmd add-htlc, ${format}`, () => {
    test("of nothing", () => {
      const pair = openPair();
      assert.equal(addRefused(pair, pair.alice, 0n), "amount-zero");
    });

    test("below the peer's minimum", () => {
      const pair = tightPair();
      assert.equal(addRefused(pair, pair.alice, 999n), "below-htlc-minimum");
    });

    test("more than the peer lets be in flight", () => {
      const pair = tightPair();
      assert.equal(addRefused(pair, pair.alice, 50_000_001n), "too-much-in-flight");
    });

    test("more HTLCs than the peer accepts", () => {
      const pair = tightPair();
      for (let i = 0; i < 2; i++) pair.add(pair.alice, 5_000_000n);
      assert.equal(addRefused(pair, pair.alice, 5_000_000n), "too-many-htlcs");
    });

    test("into the reserve", () => {
      const pair = openPair();
      assert.equal(addRefused(pair, pair.bob, 290_000_001n), "below-reserve");
    });

    test("into the fee that the opener must be able to pay", () => {
      const pair = openPair();
      if (formatOf(format).feerateBasis === "none") pair.add(pair.alice, 690_000_000n);
      else assert.equal(addRefused(pair, pair.alice, 690_000_000n), "opener-cannot-afford-fee");
    });

    test("that expires at once", () => {
      const pair = openPair();
      const cltvExpiry = pair.alice.ctx.bestHeight + 3;
      assert.equal(addRefused(pair, pair.alice, 1_000_000n, { cltvExpiry }), "expiry-too-soon");
    });

    test("while offline", () => {
      const pair = openPair();
      pair.disconnect();
      assert.equal(addRefused(pair, pair.alice, 1_000_000n), "peer-disconnected");
    });
  });

  describe(`recv update_add_htlc, ${format}`, () => {
    const cases: readonly [string, () => Pair, Partial<UpdateAddHtlc>, string | undefined][] = [
      ["valid", openPair, {}, undefined],
      ["of nothing", openPair, { amountMsat: msat(0) }, "amount-zero"],
      ["an id that was left out", openPair, { id: htlcId(1) }, "wrong-htlc-id"],
      ["an expiry that is a time", openPair, { cltvExpiry: 500_000_000 }, "expiry-not-a-height"],
      ["below our minimum", tightPair, { amountMsat: msat(999) }, "below-htlc-minimum"],
      ["over the value in flight", tightPair, { amountMsat: msat(50_000_001) }, "too-much-in-flight"],
      ["into its reserve", openPair, { amountMsat: msat(690_000_001) }, "below-reserve"],
    ];
    for (const [name, open, change, code] of cases) {
      test(name, () => {
        const pair = open();
        assert.equal(receiveAdd(pair, change), code && `error ${code}`);
        assert.equal(pair.bob.state.kind, code === undefined ? "normal" : "closing");
      });
    }

    test("over max accepted htlcs", () => {
      const pair = tightPair();
      for (const id of [0, 1]) assert.equal(receiveAdd(pair, { id: htlcId(id) }), undefined);
      assert.equal(receiveAdd(pair, { id: htlcId(2) }), "error too-many-htlcs");
    });

    test("an id that was used", () => {
      const pair = openPair();
      receiveAdd(pair, {});
      assert.equal(receiveAdd(pair, { id: htlcId(0) }), "error wrong-htlc-id");
    });
  });

  describe(`removing HTLCs, ${format}`, () => {
    /** Alice offered one HTLC to Bob, and it is irrevocably added. */
    const withHtlc = () => {
      const pair = openPair();
      const htlc = pair.add(pair.alice, 50_000_000n);
      pair.exchange();
      return { pair, htlc, channelId: pair.alice.channel.commitments.channelId };
    };

    test("recv update_fulfill_htlc -- the preimage is passed on at once", () => {
      const { pair, htlc } = withHtlc();
      pair.fulfill(htlc);
      const actions = pair.deliver(pair.bob, "update_fulfill_htlc");
      const [fulfilled] = actions.flatMap((action) => (action.kind === "htlc-fulfilled" ? [action] : []));
      assert.deepEqual(fulfilled?.preimage, htlc.preimage);
      assert.equal(pair.alice.actionsOf("htlc-removed").length, 0);
      pair.exchange();
      assert.equal(pair.alice.actionsOf("htlc-removed").length, 1);
      assert.equal(pair.bob.actionsOf("incoming-htlc-gone").length, 1);
      assert.equal(pair.bob.balance, 350_000_000n);
    });

    test("recv update_fail_htlc -- the source hears of it when it is irrevocable, not before", () => {
      const { pair, htlc } = withHtlc();
      pair.fail(htlc);
      pair.deliver(pair.bob, "update_fail_htlc");
      pair.command(pair.bob, { kind: "sign" });
      pair.deliver(pair.bob, "commitment_signed");
      assert.equal(pair.alice.actionsOf("htlc-removed").length, 0);
      pair.exchange();
      const [removed] = pair.alice.actionsOf("htlc-removed");
      assert.equal(removed?.htlc.removal?.kind, "fail");
      assert.equal(pair.bob.balance, 300_000_000n);
    });

    test("recv update_fail_malformed_htlc", () => {
      const { pair, htlc } = withHtlc();
      const sha256OfOnion = bytes32(4) as Bytes32;
      pair.resolve(pair.bob, htlc.id, { kind: "fail-malformed", sha256OfOnion, failureCode: 0x8000 | 5 });
      pair.exchange();
      const [removed] = pair.alice.actionsOf("htlc-removed");
      assert.equal(removed?.htlc.removal?.kind, "fail-malformed");
    });

    test("a failure and a preimage at once, for HTLCs of the same hash", () => {
      const { pair, htlc } = withHtlc();
      const paymentHash = hashOf(htlc.preimage);
      const twin = pair.add(pair.alice, 50_000_000n, { paymentHash });
      pair.exchange();
      pair.fail(htlc);
      pair.resolve(pair.bob, twin.id, { kind: "fulfill", preimage: htlc.preimage });
      pair.exchange();
      const removals = pair.alice
        .actionsOf("htlc-removed")
        .map((action) => [action.htlc.id, action.htlc.removal?.kind]);
      assert.deepEqual(removals, [
        [htlc.id, "fail"],
        [twin.id, "fulfill"],
      ]);
      assert.equal(pair.bob.balance, 350_000_000n);
    });

    const refused: readonly [string, (by: { readonly channelId: ChannelId }) => LightningMessage, string][] =
      [
        [
          "recv update_fulfill_htlc -- wrong preimage",
          ({ channelId }) => ({
            type: "update_fulfill_htlc",
            channelId,
            id: htlcId(0),
            paymentPreimage: bytes32(1) as Bytes32,
            tlvs: {},
          }),
          "error wrong-preimage",
        ],
        [
          "recv update_fulfill_htlc -- unknown id",
          ({ channelId }) => ({
            type: "update_fulfill_htlc",
            channelId,
            id: htlcId(9),
            paymentPreimage: bytes32(1) as Bytes32,
            tlvs: {},
          }),
          "error unknown-htlc",
        ],
        [
          "recv update_fail_htlc -- unknown id",
          ({ channelId }) => ({
            type: "update_fail_htlc",
            channelId,
            id: htlcId(9),
            reason: bytes32(1),
            tlvs: {},
          }),
          "error unknown-htlc",
        ],
        [
          "recv update_fail_malformed_htlc -- without BADONION",
          ({ channelId }) => ({
            type: "update_fail_malformed_htlc",
            channelId,
            id: htlcId(0),
            sha256OfOnion: bytes32(1) as Bytes32,
            failureCode: 5,
          }),
          "warning malformed-without-badonion",
        ],
      ];
    for (const [name, message, complaint] of refused) {
      test(name, () => {
        const { pair, channelId } = withHtlc();
        assert.equal(complaintIn(pair.receive(pair.alice, message({ channelId }))), complaint);
      });
    }

    test("recv update_fail_htlc -- twice", () => {
      const { pair, htlc } = withHtlc();
      pair.fail(htlc);
      const [message] = pair.bob.outbox;
      assert.ok(message);
      pair.receive(pair.alice, message);
      assert.equal(complaintIn(pair.receive(pair.alice, message)), "error htlc-not-removable");
    });

    test("recv update_fulfill_htlc -- before the HTLC is irrevocably added", () => {
      const pair = openPair();
      const htlc = pair.add(pair.alice, 50_000_000n);
      pair.sign();
      const { channelId } = pair.alice.channel.commitments;
      const message = {
        type: "update_fulfill_htlc",
        channelId,
        id: htlcId(htlc.id),
        paymentPreimage: htlc.preimage,
        tlvs: {},
      } as const;
      assert.equal(complaintIn(pair.receive(pair.alice, message)), "error htlc-not-removable");
    });
  });

  describe(`recv commitment_signed and revoke_and_ack, ${format}`, () => {
    const signedAdd = () => {
      const pair = openPair();
      pair.add(pair.alice, 50_000_000n);
      pair.sign();
      pair.deliver(pair.alice, "update_add_htlc");
      const message = pair.alice.outbox.shift();
      assert.ok(message?.type === "commitment_signed");
      return { pair, message };
    };
    const zeros = new Uint8Array(64) as Signature;

    test("invalid signature", () => {
      const { pair, message } = signedAdd();
      const actions = pair.receive(pair.bob, { ...message, signature: zeros });
      assert.equal(complaintIn(actions), "error invalid-commitment-signature");
    });

    test("invalid HTLC signature", () => {
      const { pair, message } = signedAdd();
      const actions = pair.receive(pair.bob, { ...message, htlcSignatures: [zeros] });
      assert.equal(complaintIn(actions), "error invalid-htlc-signature");
    });

    test("HTLC signatures too few and too many", () => {
      const { pair, message } = signedAdd();
      const few = pair.fork();
      const code = "error wrong-number-of-htlc-signatures";
      assert.equal(complaintIn(few.receive(few.bob, { ...message, htlcSignatures: [] })), code);
      const htlcSignatures = [...message.htlcSignatures, ...message.htlcSignatures];
      assert.equal(complaintIn(pair.receive(pair.bob, { ...message, htlcSignatures })), code);
    });

    test("revoke_and_ack that nobody asked for", () => {
      const { pair } = signedAdd();
      const { channelId } = pair.alice.channel.commitments;
      const actions = pair.receive(pair.bob, {
        type: "revoke_and_ack",
        channelId,
        perCommitmentSecret: bytes32(1) as Bytes32,
        nextPerCommitmentPoint: pair.alice.localKeys.fundingKey,
      });
      assert.equal(complaintIn(actions), "error unexpected-revocation");
    });

    test("revoke_and_ack with a wrong secret", () => {
      const { pair, message } = signedAdd();
      pair.receive(pair.bob, message);
      const revocation = pair.bob.outbox.shift();
      assert.ok(revocation?.type === "revoke_and_ack");
      const wrong = { ...revocation, perCommitmentSecret: bytes32(1) as Bytes32 };
      assert.equal(complaintIn(pair.receive(pair.alice, wrong)), "error secret-does-not-match-point");
    });
  });
}
