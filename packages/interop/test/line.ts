import type { TestContext } from "node:test";
import type { FormatName } from "@fulmen/lightning/commitment";
import { LdkPeer, ldkOptions, OurNode, type OurNodeOptions, SharedChain } from "#src/index";
import { openByLdk, openChannel } from "./ourPair.ts";

/** Our node and two of LDK's on one chain, with two channels of different formats that make one line. */
export interface Line {
  readonly us: OurNode;
  readonly alice: LdkPeer;
  readonly bob: LdkPeer;
  readonly chain: SharedChain;
}

export interface LineTerms {
  /** Who stands between the two others. */
  readonly middle: "us" | "alice";
  readonly announce: boolean;
  /** Of the channel between us and alice; the other one has the other format. */
  readonly format: FormatName;
  /** What differs of our node. */
  readonly us?: Partial<OurNodeOptions>;
}

export const forwarding = { baseMsat: 2_000, proportionalMillionths: 100, cltvExpiryDelta: 60 };

/** Opens us-alice-bob or alice-us-bob, half of each channel on each side; every node knows the way when it resolves. */
export async function startLine(
  t: TestContext,
  { middle, announce, format, us: ours }: LineTerms,
): Promise<Line> {
  const startLdk = async (name: string, seedByte: number): Promise<LdkPeer> => {
    const ldk = await LdkPeer.start(name, ldkOptions(seedByte, { announce, forwarding }));
    t.after(() => ldk.stop());
    return ldk;
  };
  const [alice, bob] = await Promise.all([startLdk("alice", 7), startLdk("bob", 8)]);
  const chain = new SharedChain();
  for (const ldk of [alice, bob]) await chain.addPeer(ldk);
  const us = await OurNode.start({
    name: "us",
    seedByte: 9,
    chain,
    config: { acceptForwardsToPrivChannels: true },
    ...ours,
  });
  t.after(() => us.stop());
  const terms = { sats: 1_000_000n, pushMsat: 500_000_000n, announce };
  const other: FormatName = format === "static-remotekey" ? "anchors-zero-fee-htlc" : "static-remotekey";
  await us.connect((await alice.cmd("listen")).port, alice.nodeId);
  await openChannel({ us, ldk: alice, chain }, { ...terms, format, opener: "us" });
  const { port } = await bob.cmd("listen");
  if (middle === "us") {
    await us.connect(port, bob.nodeId);
    await openChannel({ us, ldk: bob, chain }, { ...terms, format: other, opener: "ldk" });
  } else {
    await alice.cmd("connect", { port, nodeId: bob.nodeId });
    await openByLdk(chain, alice, bob.nodeId, { ...terms, format: other });
    await alice.waitFor("channel-pending", (event) => event.counterparty === bob.nodeId);
    await bob.waitFor("channel-pending");
    await chain.mine(6);
    for (const ldk of [alice, bob]) {
      await ldk.until("channels", (channels) => channels.every((channel) => channel.usable));
    }
  }
  if (announce) {
    // From now on invoices have no hints any more.
    await chain.mine(2);
    await us.until("both channels in the graph", () => us.graph.channelCount === 2);
    for (const ldk of [alice, bob]) {
      await ldk.until("graph", ({ shortChannelIds }) => shortChannelIds.length === 2);
    }
  }
  return { us, alice, bob, chain };
}
