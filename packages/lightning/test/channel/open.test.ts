import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type ChannelHandshakeConfig,
  type ChannelHandshakeLimits,
  defaultUserConfig,
  type UserConfig,
} from "#src/channel/config";
import { openChannel } from "#src/channel/openChannel";
import { formatOf } from "#src/commitment/formats/formatOf";
import type { FormatName } from "#src/commitment/params";
import { noBytes, type Script, type Signature, toHex } from "#src/util/bytes";
import type { BlockHash, ChannelId, ShortChannelId } from "#src/util/ids";
import { feeratePerKw, msat, sat } from "#src/util/units";
import { type AcceptChannel, encodeChannelType, Features, type OpenChannel } from "#src/wire/index";
import {
  bytes32,
  complaintIn,
  defaultFeatures,
  formats,
  fundingTransactionOf,
  Pair,
  type PairOptions,
  refusalIn,
} from "./pair.ts";

function configWith(change: {
  readonly config?: Partial<ChannelHandshakeConfig>;
  readonly limits?: Partial<ChannelHandshakeLimits>;
}): UserConfig {
  return {
    ...defaultUserConfig,
    channelHandshakeConfig: { ...defaultUserConfig.channelHandshakeConfig, ...change.config },
    channelHandshakeLimits: { ...defaultUserConfig.channelHandshakeLimits, ...change.limits },
  };
}

/** What Bob makes of an `open_channel` with this change. */
function receiveOpen(change: (open: OpenChannel) => Partial<OpenChannel>, options: PairOptions = {}) {
  const pair = new Pair(options);
  pair.start();
  const actions = pair.deliverOpen((open) => ({ ...open, ...change(open) }));
  return { state: pair.bob.state.kind, complaint: complaintIn(actions) };
}

/** What Alice makes of an `accept_channel` with this change. */
function receiveAccept(change: (accept: AcceptChannel) => Partial<AcceptChannel>, options: PairOptions = {}) {
  const pair = new Pair(options);
  pair.start();
  pair.deliverOpen();
  pair.accept();
  const message = pair.bob.outbox.shift();
  assert.equal(message?.type, "accept_channel");
  const actions = pair.receive(pair.alice, { ...message, ...change(message) });
  return { state: pair.alice.state.kind, complaint: complaintIn(actions), alice: pair.alice };
}

function openCommand(change: object, options: PairOptions = {}): string {
  const { alice, bob } = new Pair(options);
  const opened = openChannel(alice.ctx, {
    kind: "open",
    temporaryChannelId: toHex(bytes32(1)) as ChannelId,
    counterparty: bob.keys.nodeId,
    remoteFeatures: bob.ctx.ourFeatures,
    userChannelId: 1n,
    funding: sat(1_000_000),
    push: msat(0),
    formats: ["anchors-zero-fee-htlc"],
    keys: alice.localKeys,
    localAlias: 1n as ShortChannelId,
    shutdownScript: alice.shutdownScript,
    config: alice.ctx.config,
    ...change,
  });
  return opened.ok ? "ok" : opened.error.code;
}

describe("cmd open", () => {
  const large = Features.of({ option_anchors: "optional" });
  const p2pkh = Uint8Array.from([0x76, 0xa9, 20, ...new Uint8Array(20), 0x88, 0xac]) as Script;
  const cases: readonly [string, object, string, PairOptions?][] = [
    ["valid", {}, "ok"],
    ["no common format", { remoteFeatures: Features.none }, "no-common-format"],
    ["push above funding", { push: msat(1_000_000_001n) }, "push-above-funding"],
    ["opener cannot pay the fee", { push: msat(999_000_000n) }, "opener-cannot-afford-fee"],
    ["large without support", { funding: sat(2n ** 24n), remoteFeatures: large }, "funding-too-large"],
    ["large with support", { funding: sat(2n ** 24n) }, "ok"],
    ["more than all coins", { funding: sat(2_100_000_000_000_001n) }, "funding-too-large"],
    ["delay too short", { config: configWith({ config: { ourToSelfDelay: 143 } }) }, "our-to-self-delay"],
    ["no HTLCs", { config: configWith({ config: { ourMaxAcceptedHtlcs: 0 } }) }, "our-max-accepted-htlcs"],
    ["below our reserve", { funding: sat(990) }, "opener-cannot-afford-fee"],
    ["shutdown script of no allowed form", { shutdownScript: p2pkh }, "incompatible-shutdown-script"],
  ];
  for (const [name, change, expected, options] of cases) {
    test(name, () => assert.equal(openCommand(change, options), expected));
  }
});

/** A name, what is wrong, the complaint. */
type OpenCase = readonly [string, (open: OpenChannel) => Partial<OpenChannel>, string, PairOptions?];

const withFeerate: readonly OpenCase[] = [
  ["feerate too low", () => ({ feeratePerKw: feeratePerKw(252) }), "feerate-too-low"],
  ["feerate too high", () => ({ feeratePerKw: feeratePerKw(100_001) }), "feerate-too-high"],
];
const withoutFeerate: readonly OpenCase[] = [
  ["a feerate", () => ({ feeratePerKw: feeratePerKw(1) }), "feerate-too-high"],
  ["115 HTLCs", () => ({ maxAcceptedHtlcs: 115 }), "max-accepted-htlcs-too-large"],
];

for (const format of formats) {
  describe(`recv open_channel -- ${format}`, () => {
    const isFree = formatOf(format).feerateBasis === "none";
    const cases: readonly OpenCase[] = [
      ["another chain", () => ({ chainHash: toHex(bytes32(3)) as BlockHash }), "unknown-chain"],
      [
        "push above funding",
        (open) => ({ pushMsat: msat(open.fundingSatoshis * 1000n + 1n) }),
        "push-above-funding",
      ],
      ["dust limit of 353 sat", () => ({ dustLimitSatoshis: sat(353) }), "dust-limit-too-small"],
      [
        "dust limit of 10,001 sat",
        () => ({ dustLimitSatoshis: sat(10_001), channelReserveSatoshis: sat(20_000) }),
        "dust-limit-too-large",
      ],
      [
        "dust limit above our reserve",
        () => ({
          dustLimitSatoshis: sat(1_001),
          channelReserveSatoshis: sat(20_000),
          fundingSatoshis: sat(50_000),
        }),
        "dust-limit-above-reserve",
      ],
      [
        "reserve below our dust limit",
        () => ({ channelReserveSatoshis: sat(353) }),
        "reserve-below-dust-limit",
      ],
      [
        "reserve below its own dust limit",
        () => ({ channelReserveSatoshis: sat(500), dustLimitSatoshis: sat(501) }),
        "reserve-below-dust-limit",
      ],
      [
        "reserve above funding",
        (open) => ({ channelReserveSatoshis: sat(open.fundingSatoshis + 1n) }),
        "reserve-too-large",
      ],
      [
        "HTLC minimum of all that can be sent",
        () => ({ htlcMinimumMsat: msat(990_000_000n) }),
        "htlc-minimum-too-large",
      ],
      ["delay of 2,017 blocks", () => ({ toSelfDelay: 2_017 }), "to-self-delay-too-large"],
      ["no HTLCs", () => ({ maxAcceptedHtlcs: 0 }), "max-accepted-htlcs-too-small"],
      ["484 HTLCs", () => ({ maxAcceptedHtlcs: 484 }), "max-accepted-htlcs-too-large"],
      ...(isFree ? withoutFeerate : withFeerate),
      ["no channel type", () => ({ tlvs: { upfrontShutdownScript: noBytes as Script } }), "no-channel-type"],
      [
        "unknown channel type",
        () => ({ tlvs: { channelType: Uint8Array.of(0x80) } }),
        "unsupported-channel-type",
      ],
      [
        "announced with option_scid_alias",
        () => ({
          channelFlags: 1,
          tlvs: { channelType: encodeChannelType({ format: "anchors", scidAlias: true, zeroConf: false }) },
        }),
        "unsupported-channel-type",
      ],
      ["announced, which is not our preference", () => ({ channelFlags: 1 }), "announcement-preference"],
      [
        "opener cannot pay the fee",
        (open) => ({ pushMsat: msat(open.fundingSatoshis * 1000n) }),
        "opener-cannot-afford-fee",
      ],
      [
        "opener left below our reserve",
        () => ({ pushMsat: msat(isFree ? 990_000_001n : 989_000_000n) }),
        "opener-cannot-afford-fee",
      ],
      [
        "both balances within its reserve",
        () => ({ pushMsat: msat(480_000_000n), channelReserveSatoshis: sat(600_000) }),
        "both-below-reserve",
      ],
      [
        "upfront shutdown script of no allowed form",
        (open) => ({ tlvs: { ...open.tlvs, upfrontShutdownScript: Uint8Array.of(0x6a) as Script } }),
        "invalid-upfront-shutdown-script",
      ],
      [
        "funding of 21 million and 1",
        () => ({ fundingSatoshis: sat(2_100_000_000_000_001n) }),
        "funding-too-large",
      ],
      [
        "large, and we do not support it",
        () => ({ fundingSatoshis: sat(2n ** 24n) }),
        "funding-too-large",
        { bob: { features: defaultFeatures.set("option_support_large_channel", undefined) } },
      ],
      [
        "funding below our limit",
        () => ({ fundingSatoshis: sat(999_999) }),
        "funding-too-small",
        { bob: { config: configWith({ limits: { minFunding: sat(1_000_000) } }) } },
      ],
      [
        "in-flight cap below our limit",
        () => ({ maxHtlcValueInFlightMsat: msat(9) }),
        "max-htlc-value-in-flight-too-small",
        { bob: { config: configWith({ limits: { minMaxHtlcValueInFlight: msat(10) } }) } },
      ],
      [
        "HTLC minimum above our limit",
        () => ({ htlcMinimumMsat: msat(11) }),
        "htlc-minimum-too-large",
        { bob: { config: configWith({ limits: { maxHtlcMinimum: msat(10) } }) } },
      ],
      [
        "reserve above our limit",
        () => ({ channelReserveSatoshis: sat(10_001) }),
        "reserve-too-large",
        { bob: { config: configWith({ limits: { maxChannelReserve: sat(10_000) } }) } },
      ],
      [
        "too few HTLCs for us",
        () => ({ maxAcceptedHtlcs: 4 }),
        "max-accepted-htlcs-too-small",
        { bob: { config: configWith({ limits: { minMaxAcceptedHtlcs: 5 } }) } },
      ],
    ];
    for (const [name, change, code, options] of cases) {
      test(name, () => {
        const { state, complaint } = receiveOpen(change, { format, ...options });
        assert.equal(complaint, `error ${code}`);
        assert.equal(state, "ended");
      });
    }

    test("valid: the user is asked", () => {
      const pair = new Pair({ format });
      pair.start();
      pair.deliverOpen();
      assert.equal(pair.bob.state.kind, "wait-for-acceptance");
      const [event] = pair.bob.events("open-channel-request");
      assert.equal(event?.funding, 1_000_000n);
      assert.equal(event?.channelType, format);
    });
  });
}

describe("recv accept_channel", () => {
  const cases: readonly [string, (accept: AcceptChannel) => Partial<AcceptChannel>, string][] = [
    ["minimum depth of 145", () => ({ minimumDepth: 145 }), "minimum-depth-too-large"],
    ["no channel type", () => ({ tlvs: {} }), "channel-type-mismatch"],
    [
      "another channel type",
      () => ({
        tlvs: {
          channelType: encodeChannelType({ format: "static-remotekey", scidAlias: false, zeroConf: false }),
        },
      }),
      "channel-type-mismatch",
    ],
    [
      "reserve that leaves no room for ours",
      () => ({ channelReserveSatoshis: sat(990_001) }),
      "reserve-too-large",
    ],
    [
      "dust limit above our reserve",
      () => ({ dustLimitSatoshis: sat(10_001), channelReserveSatoshis: sat(20_000) }),
      "dust-limit-too-large",
    ],
    ["484 HTLCs", () => ({ maxAcceptedHtlcs: 484 }), "max-accepted-htlcs-too-large"],
    ["delay of 2,017 blocks", () => ({ toSelfDelay: 2_017 }), "to-self-delay-too-large"],
  ];
  for (const [name, change, code] of cases) {
    test(name, () => {
      const { state, complaint, alice } = receiveAccept(change);
      assert.equal(complaint, `error ${code}`);
      assert.equal(state, "ended");
      assert.equal(alice.events("channel-closed")[0]?.reason.kind, "processing-error");
    });
  }

  test("valid: a funding transaction is asked for", () => {
    const { state, alice } = receiveAccept(() => ({}));
    assert.equal(state, "wait-for-funding-transaction");
    const [event] = alice.events("funding-generation-ready");
    assert.equal(event?.channelValue, 1_000_000n);
    assert.equal(event?.outputScript.length, 34);
  });

  test("minimum depth of 0 is not trusted when the settings say so", () => {
    const alice = { config: configWith({ limits: { trustOwnFunding0conf: false } }) };
    const accepted = receiveAccept(() => ({ minimumDepth: 0 }), { alice }).alice.state;
    assert.ok(accepted.kind === "wait-for-funding-transaction" && accepted.opening.minimumDepth === 1);
  });
});

describe("zero-fee-commitments", () => {
  const format = "zero-fee-commitments";
  const most = { config: configWith({ config: { ourMaxAcceptedHtlcs: 483 } }) };

  test("both ask for no feerate and 114 HTLCs at most", () => {
    const pair = new Pair({ format, alice: most, bob: most });
    pair.start();
    const [open] = pair.alice.outbox;
    assert.ok(open?.type === "open_channel");
    assert.equal(toHex(open.tlvs.channelType ?? noBytes), "010000000000");
    assert.deepEqual([open.feeratePerKw, open.maxAcceptedHtlcs], [0n, 114]);
    pair.deliverOpen();
    pair.accept();
    const [accept] = pair.bob.outbox;
    assert.ok(accept?.type === "accept_channel" && accept.maxAcceptedHtlcs === 114);
  });

  test("recv accept_channel -- 115 HTLCs", () => {
    const { complaint } = receiveAccept(() => ({ maxAcceptedHtlcs: 115 }), { format });
    assert.equal(complaint, "error max-accepted-htlcs-too-large");
  });

  test("recv open_channel -- by a node that does not want it", () => {
    const bob = { features: defaultFeatures.set("zero_fee_commitments", undefined) };
    const pair = new Pair({ format });
    pair.start();
    const [open] = pair.alice.outbox;
    assert.ok(open?.type === "open_channel");
    const { channelType } = open.tlvs;
    const change = () => ({ tlvs: { ...(channelType && { channelType }) }, feeratePerKw: feeratePerKw(0) });
    assert.equal(receiveOpen(change, { bob }).complaint, "error unsupported-channel-type");
  });

  test("is asked for only where both support it, the next best otherwise", () => {
    const bob = { features: defaultFeatures.set("zero_fee_commitments", undefined) };
    const wanted: readonly FormatName[] = [format, "anchors-zero-fee-htlc", "static-remotekey"];
    for (const [options, expected] of [
      [{}, format],
      [{ bob }, "anchors-zero-fee-htlc"],
      [{ alice: bob }, "anchors-zero-fee-htlc"],
    ] as const) {
      const pair = new Pair({ formats: wanted, ...options });
      pair.start();
      const { state } = pair.alice;
      assert.ok(state.kind === "wait-for-accept-channel" && state.format === expected);
    }
  });
});

describe("recv error -- before accept_channel", () => {
  const both: readonly FormatName[] = ["anchors-zero-fee-htlc", "static-remotekey"];

  test("the next format is tried, once", () => {
    const pair = new Pair({ formats: both });
    pair.start();
    const open = pair.alice.outbox.shift();
    assert.equal(open?.type, "open_channel");
    const channelId = open.temporaryChannelId;
    pair.receive(pair.alice, { type: "error", channelId, data: noBytes });
    const [again] = pair.alice.outbox;
    assert.equal(again?.type, "open_channel");
    assert.deepEqual(
      again.tlvs.channelType,
      encodeChannelType({ format: "static-remotekey", scidAlias: false, zeroConf: false }),
    );
    assert.equal(again.feeratePerKw, 2_500n);
    pair.deliverOpen();
    pair.accept();
    pair.deliver(pair.bob, "accept_channel");
    assert.equal(pair.alice.state.kind, "wait-for-funding-transaction");
  });

  test("down from zero-fee-commitments, with the feerates of each", () => {
    const pair = new Pair({ formats: ["zero-fee-commitments", ...both] });
    pair.start();
    const asked: unknown[] = [];
    for (;;) {
      const open = pair.alice.outbox.shift();
      if (open?.type !== "open_channel") break;
      asked.push([toHex(open.tlvs.channelType ?? noBytes), open.feeratePerKw]);
      pair.receive(pair.alice, { type: "error", channelId: open.temporaryChannelId, data: noBytes });
    }
    assert.deepEqual(asked, [
      ["010000000000", 0n],
      ["401000", 1_000n],
      ["1000", 2_500n],
    ]);
    assert.equal(pair.alice.state.kind, "ended");
  });

  test("no format is left: the channel ends", () => {
    const pair = new Pair({ formats: both });
    pair.start();
    const channelId = toHex(bytes32(0x77)) as ChannelId;
    for (let i = 0; i < 2; i++)
      pair.receive(pair.alice, { type: "error", channelId, data: Uint8Array.of(0x6e, 0x6f) });
    assert.equal(pair.alice.state.kind, "ended");
    assert.deepEqual(pair.alice.events("channel-closed")[0]?.reason, {
      kind: "counterparty-force-closed",
      peerMessage: "no",
    });
  });
});

describe("cmd accept", () => {
  test("a channel type with option_zeroconf only with trust", () => {
    const pair = new Pair({ bob: { features: defaultFeatures } });
    pair.start();
    const channelType = encodeChannelType({ format: "anchors", scidAlias: true, zeroConf: true });
    pair.deliverOpen((open) => ({ ...open, tlvs: { channelType } }));
    assert.equal(refusalIn(pair.accept()), "zero-conf-not-accepted");
    assert.equal(pair.bob.state.kind, "wait-for-acceptance");
  });

  test("rejected", () => {
    const pair = new Pair();
    pair.start();
    pair.deliverOpen();
    const actions = pair.command(pair.bob, { kind: "reject", reason: "too busy" });
    assert.equal(complaintIn(actions), "error too busy");
    assert.equal(pair.bob.state.kind, "ended");
  });
});

function atFunding(): Pair {
  const pair = new Pair();
  pair.start();
  pair.deliverOpen();
  pair.accept();
  pair.deliver(pair.bob, "accept_channel");
  return pair;
}

describe("cmd fund", () => {
  const script = (pair: Pair) => pair.alice.events("funding-generation-ready")[0]?.outputScript ?? noBytes;
  const given = (pair: Pair, transaction: ReturnType<typeof fundingTransactionOf>) => {
    const actions = pair.command(pair.alice, { kind: "fund", transaction });
    assert.equal(pair.alice.state.kind, "wait-for-funding-transaction");
    assert.equal(pair.alice.outbox.length, 0);
    return refusalIn(actions);
  };

  test("no output pays the right amount", () => {
    const pair = atFunding();
    const transaction = fundingTransactionOf([{ value: sat(999_999), script: script(pair) }]);
    assert.equal(given(pair, transaction), "no-funding-output");
  });

  test("no output pays to the right script", () => {
    const pair = atFunding();
    assert.equal(
      given(pair, fundingTransactionOf([{ value: sat(1_000_000), script: noBytes }])),
      "no-funding-output",
    );
  });

  test("two outputs pay to the channel", () => {
    const pair = atFunding();
    const output = { value: sat(1_000_000), script: script(pair) };
    assert.equal(given(pair, fundingTransactionOf([output, output])), "several-funding-outputs");
  });

  test("an input without a witness", () => {
    const pair = atFunding();
    const transaction = fundingTransactionOf([{ value: sat(1_000_000), script: script(pair) }]);
    const inputs = transaction.inputs.map((input) => ({ ...input, witness: [] }));
    assert.equal(given(pair, { ...transaction, inputs }), "not-segwit");
  });

  test("locked until a later block", () => {
    const pair = atFunding();
    const transaction = fundingTransactionOf([{ value: sat(1_000_000), script: script(pair) }]);
    const inputs = transaction.inputs.map((input) => ({ ...input, sequence: 0 }));
    assert.equal(given(pair, { ...transaction, inputs, locktime: 1_002 }), "not-final");
  });

  test("the right output among others", () => {
    const pair = atFunding();
    const other = { value: sat(5_000), script: noBytes };
    const transaction = fundingTransactionOf([other, { value: sat(1_000_000), script: script(pair) }]);
    pair.command(pair.alice, { kind: "fund", transaction });
    const [created] = pair.alice.outbox;
    assert.ok(created?.type === "funding_created" && created.fundingOutputIndex === 1);
    assert.equal(pair.alice.actionsOf("broadcast").length, 0, "nothing leaves before funding_signed");
    assert.equal(pair.alice.actionsOf("persist").length, 0);
  });
});

for (const format of formats) {
  describe(`funding, ${format}`, () => {
    test("both sides store, watch and tell; the opener broadcasts", () => {
      const { alice, bob, fundingTransaction } = new Pair({ format, push: 7_000_000n }).openUnconfirmed();
      for (const side of [alice, bob]) {
        assert.equal(side.state.kind, "wait-for-channel-ready");
        const setup = side.actionsOf("watch-channel")[0]?.setup;
        assert.equal(setup?.initial.updateId, 1);
        assert.deepEqual(
          setup?.initial.steps.map(({ kind }) => kind),
          ["holder-commitment", "counterparty-commitment"],
        );
        assert.equal(side.actionsOf("watch-funding").length, 1);
        assert.equal(side.actionsOf("persist").length, 1);
        assert.equal(side.actionsOf("set-channel-id").length, 1);
        assert.equal(side.events("channel-pending").length, 1);
      }
      assert.equal(alice.channel.commitments.channelId, bob.channel.commitments.channelId);
      assert.deepEqual(alice.actionsOf("broadcast")[0]?.transactions, [fundingTransaction]);
      assert.equal(bob.actionsOf("broadcast").length, 0);
      assert.equal(bob.balance, 7_000_000n);
    });

    test("recv funding_created -- invalid signature", () => {
      const pair = atFunding();
      pair.fund();
      const created = pair.alice.outbox.shift();
      assert.equal(created?.type, "funding_created");
      const actions = pair.receive(pair.bob, { ...created, signature: new Uint8Array(64) as Signature });
      assert.equal(complaintIn(actions), "error invalid-commitment-signature");
      assert.equal(pair.bob.state.kind, "ended");
    });

    test("recv funding_signed -- invalid signature", () => {
      const pair = atFunding();
      pair.fund();
      pair.deliver(pair.alice, "funding_created");
      const signed = pair.bob.outbox.shift();
      assert.equal(signed?.type, "funding_signed");
      const actions = pair.receive(pair.alice, { ...signed, signature: new Uint8Array(64) as Signature });
      assert.equal(complaintIn(actions), "error invalid-commitment-signature");
      assert.equal(pair.alice.state.kind, "ended");
      assert.equal(pair.alice.actionsOf("broadcast").length, 0);
      assert.equal(pair.alice.events("discard-funding").length, 1);
    });
  });
}

describe("an opening that does not go on", () => {
  test("recv tick -- not accepted within 2", () => {
    const pair = new Pair();
    pair.start();
    pair.deliverOpen();
    pair.feed(pair.bob, { kind: "tick" });
    assert.equal(pair.bob.state.kind, "wait-for-acceptance");
    pair.feed(pair.bob, { kind: "tick" });
    assert.equal(pair.bob.state.kind, "ended");
    assert.equal(pair.bob.events("channel-closed").length, 0, "it never was the user's");
  });

  test("recv tick -- not funded within 60", () => {
    const pair = atFunding();
    for (let i = 0; i < 59; i++) pair.feed(pair.alice, { kind: "tick" });
    assert.equal(pair.alice.state.kind, "wait-for-funding-transaction");
    pair.feed(pair.alice, { kind: "tick" });
    assert.equal(pair.alice.state.kind, "ended");
    assert.equal(pair.alice.events("channel-closed").length, 1);
  });

  test("recv disconnected -- a signed funding transaction is discarded", () => {
    const pair = atFunding();
    pair.fund();
    pair.feed(pair.alice, { kind: "disconnected" });
    assert.equal(pair.alice.state.kind, "ended");
    assert.equal(pair.alice.events("channel-closed")[0]?.reason.kind, "disconnected-peer");
    assert.equal(pair.alice.events("discard-funding").length, 1);
    pair.feed(pair.bob, { kind: "disconnected" });
    assert.equal(pair.bob.events("channel-closed")[0]?.reason.kind, "disconnected-peer");
  });

  test("recv disconnected -- while the signer is asked, nothing leaves", () => {
    const pair = atFunding();
    pair.alice.slowSigner = true;
    pair.fund();
    pair.feed(pair.alice, { kind: "disconnected" });
    assert.equal(pair.alice.state.kind, "ended");
    assert.equal(pair.alice.outbox.length, 0);
  });

  test("cmd force-close", () => {
    const pair = atFunding();
    const actions = pair.command(pair.alice, { kind: "force-close", message: "changed my mind" });
    assert.equal(complaintIn(actions), "error changed my mind");
    assert.deepEqual(pair.alice.events("channel-closed")[0]?.reason, {
      kind: "holder-force-closed",
      broadcastedLatestTxn: false,
      message: "changed my mind",
    });
  });
});
