import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defaultUserConfig } from "#src/channel/config";
import { commitmentFeerate, leastRemoteFeerate, mostRemoteFeerate } from "#src/channel/ops/fee";
import { feeLimits } from "#src/channel/ops/limits";
import { formatOf } from "#src/commitment/formats/formatOf";
import { dueFeerate } from "#src/manager/feerates";
import { feeratePerKw, msat } from "#src/util/units";
import { complaintIn, defaultFeerates, formats, openPairs, Pair, refusalIn } from "./pair.ts";

describe("feerates of a format", () => {
  const of = (format: (typeof formats)[number]) => [
    leastRemoteFeerate(defaultFeerates, format),
    commitmentFeerate(defaultFeerates, format),
    mostRemoteFeerate(defaultFeerates, format),
  ];

  test("confirm alone, enter mempools alone, or are none", () => {
    assert.deepEqual(of("static-remotekey"), [500n, 2_500n, 100_000n]);
    assert.deepEqual(of("anchors-zero-fee-htlc"), [253n, 1_000n, 100_000n]);
    assert.deepEqual(of("zero-fee-commitments"), [0n, 0n, 0n]);
  });
});

for (const format of formats.filter((name) => formatOf(name).feerateBasis !== "none")) {
  const openPair = openPairs({ format, push: 300_000_000n });

  describe(`update_fee, ${format}`, () => {
    test("the opener's new feerate is on both commitments", () => {
      const pair = openPair();
      const feerate = feeratePerKw(3_333);
      assert.equal(refusalIn(pair.command(pair.alice, { kind: "update-fee", feerate })), undefined);
      pair.exchange();
      for (const side of [pair.alice, pair.bob]) {
        assert.deepEqual(
          side.channel.commitments.feerates.map((update) => update.feerate),
          [feerate],
        );
      }
    });

    test("only the last of two counts", () => {
      const pair = openPair();
      for (const rate of [3_000, 4_000]) {
        pair.command(pair.alice, { kind: "update-fee", feerate: feeratePerKw(rate) });
      }
      pair.exchange();
      assert.deepEqual(
        pair.bob.channel.commitments.feerates.map(({ feerate }) => feerate),
        [4_000n],
      );
    });

    test("cmd update-fee -- by the acceptor", () => {
      const pair = openPair();
      const actions = pair.command(pair.bob, { kind: "update-fee", feerate: feeratePerKw(3_000) });
      assert.equal(refusalIn(actions), "not-opener");
    });

    test("cmd update-fee -- more than we can pay", () => {
      const pair = openPair();
      const actions = pair.command(pair.alice, { kind: "update-fee", feerate: feeratePerKw(2_000_000) });
      assert.equal(refusalIn(actions), "opener-cannot-afford-fee");
    });

    test("recv update_fee -- from the acceptor", () => {
      const pair = openPair();
      const { channelId } = pair.bob.channel.commitments;
      const message = { type: "update_fee", channelId, feeratePerKw: feeratePerKw(3_000) } as const;
      assert.equal(complaintIn(pair.receive(pair.alice, message)), "error not-opener");
    });

    test("recv update_fee -- too low", () => {
      const pair = openPair();
      const { channelId } = pair.bob.channel.commitments;
      const message = { type: "update_fee", channelId, feeratePerKw: feeratePerKw(100) } as const;
      assert.equal(complaintIn(pair.receive(pair.bob, message)), "error feerate-too-low");
      const reason = pair.bob.events("channel-closed")[0]?.reason;
      assert.ok(reason?.kind === "peer-feerate-too-low" && reason.peerFeerate === 100n);
    });

    test("recv update_fee -- more than the opener can pay", () => {
      const pair = openPair();
      const { channelId } = pair.bob.channel.commitments;
      const message = { type: "update_fee", channelId, feeratePerKw: feeratePerKw(2_000_000) } as const;
      assert.equal(complaintIn(pair.receive(pair.bob, message)), "error opener-cannot-afford-fee");
    });
  });
}

describe("update_fee, zero-fee-commitments", () => {
  const format = "zero-fee-commitments";
  const openPair = openPairs({ format, push: 300_000_000n });

  test("cmd update-fee -- refused", () => {
    const pair = openPair();
    for (const side of [pair.alice, pair.bob]) {
      for (const feerate of [0, 253].map(feeratePerKw)) {
        assert.equal(refusalIn(pair.command(side, { kind: "update-fee", feerate })), "no-feerate");
      }
    }
  });

  test("recv update_fee -- is not heeded: a warning, and after a reconnection all goes on", () => {
    const pair = openPair();
    const { channelId } = pair.bob.channel.commitments;
    const before = pair.bob.channel;
    for (const side of [pair.alice, pair.bob]) {
      const message = { type: "update_fee", channelId, feeratePerKw: feeratePerKw(1_000) } as const;
      const actions = pair.receive(side, message);
      assert.equal(complaintIn(actions), "warning no-feerate");
      assert.equal(actions.at(-1)?.kind, "disconnect");
    }
    assert.equal(pair.bob.channel, before);
    pair.disconnect();
    pair.reconnect();
    pair.exchange();
    pair.add(pair.alice, 50_000_000n);
    pair.exchange();
    for (const side of [pair.alice, pair.bob]) {
      assert.equal(side.state.kind, "normal");
      assert.equal(side.channel.commitments.feerates.at(-1)?.feerate, 0n);
    }
  });

  test("none is ever due", () => {
    assert.equal(dueFeerate(openPair().alice.state, defaultFeerates), undefined);
  });

  test("what is risked in dust does not follow feerates", () => {
    const { alice } = openPair();
    assert.deepEqual(feeLimits(alice.ctx, alice.channel), { maxDustExposure: 2_500_000n });
    const anchors = openPairs({})().alice;
    assert.deepEqual(feeLimits(anchors.ctx, anchors.channel), {
      maxDustExposure: 100_000_000n,
      exposureFeerate: 10_000n,
    });
  });
});

test("recv update_fee -- that turns HTLCs into more dust than is risked closes", () => {
  const dust = { kind: "fixed", limit: msat(5_000_000) } as const;
  const config = {
    ...defaultUserConfig,
    channelConfig: { ...defaultUserConfig.channelConfig, maxDustHtlcExposure: dust },
  };
  const pair = new Pair({ format: "static-remotekey", push: 300_000_000n, bob: { config } }).open();
  for (let i = 0; i < 4; i++) pair.add(pair.alice, 6_000_000n);
  pair.exchange();
  const { channelId } = pair.bob.channel.commitments;
  const message = { type: "update_fee", channelId, feeratePerKw: feeratePerKw(9_000) } as const;
  assert.equal(complaintIn(pair.receive(pair.bob, message)), "error dust-exposure");
});
