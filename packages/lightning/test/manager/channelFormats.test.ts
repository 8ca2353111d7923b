import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelHandshakeConfig, UserConfig } from "#src/channel/config";
import { defaultUserConfig } from "#src/channel/config";
import { validateFeatures } from "#src/wire/features";
import { Features } from "#src/wire/index";
import { ManagerNet } from "./managers.ts";

function configWith(change: Partial<ChannelHandshakeConfig>): UserConfig {
  const { channelHandshakeConfig } = defaultUserConfig;
  return {
    ...defaultUserConfig,
    channelHandshakeConfig: { ...channelHandshakeConfig, minimumDepth: 1, ...change },
  };
}

const zeroFee = configWith({ negotiateAnchorZeroFeeCommitments: true });
const zeroFeeOnly = configWith({
  negotiateAnchorZeroFeeCommitments: true,
  negotiateAnchorsZeroFeeHtlcTx: false,
});
const usual = configWith({});
const plain = configWith({ negotiateAnchorsZeroFeeHtlcTx: false });

describe("the format of a new channel", () => {
  for (const [name, opener, acceptor, expected] of [
    ["both want no fees", zeroFee, zeroFee, "zero-fee-commitments"],
    ["the opener alone wants no fees", zeroFee, usual, "anchors-zero-fee-htlc"],
    ["the acceptor alone wants no fees", usual, zeroFee, "anchors-zero-fee-htlc"],
    ["both want no fees, and no anchors", zeroFeeOnly, zeroFeeOnly, "zero-fee-commitments"],
    ["one wants no fees, the other no anchors", zeroFee, plain, "static-remotekey"],
    ["one wants no fees or no anchors", zeroFeeOnly, usual, "static-remotekey"],
  ] as const) {
    it(`is the best that both want: ${name}`, () => {
      const net = new ManagerNet();
      const [alice, bob] = [net.add(opener), net.add(acceptor)];
      net.connect(alice, bob);
      const channelId = net.open(alice, bob);
      assert.equal(bob.eventsOf("open-channel-request")[0]?.channelType, expected);
      for (const { manager } of [alice, bob]) {
        const commitments = manager.core.channels.funded(channelId)?.commitments;
        assert.equal(commitments?.params.format, expected);
      }
    });
  }

  it("is offered as a feature only by those who want it", () => {
    for (const [config, offered] of [
      [zeroFee, true],
      [usual, false],
      [defaultUserConfig, false],
    ] as const) {
      const features = Features.fromBytes(new ManagerNet().add(config).manager.providedInitFeatures());
      assert.equal(features.isOptional("zero_fee_commitments"), offered);
      assert.deepEqual(validateFeatures(features), []);
    }
  });
});

describe("a channel without fees", () => {
  it("is not asked for a feerate as time goes by and fees rise", () => {
    const net = new ManagerNet();
    const [alice, bob] = [net.add(zeroFee), net.add(zeroFee)];
    net.connect(alice, bob);
    const channelId = net.open(alice, bob);
    for (const node of [alice, bob]) node.feerate = 50_000;
    for (let i = 0; i < 3; i++) {
      for (const { manager } of [alice, bob]) manager.timerTickOccurred(1_800_000_000 + 60 * i);
      net.settle();
      net.mine(1);
      net.settle();
    }
    for (const { manager } of [alice, bob]) {
      assert.equal(manager.listUsableChannels().length, 1);
      const feerates = manager.core.channels.funded(channelId)?.commitments.feerates;
      assert.deepEqual(
        feerates?.map(({ feerate }) => feerate),
        [0n],
      );
    }
  });
});
