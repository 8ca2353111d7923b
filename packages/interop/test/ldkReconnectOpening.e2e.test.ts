import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { ChannelDetails } from "@fulmen/lightning/manager";
import { msat, type NodeId, sat } from "@fulmen/lightning/util";
import { type CutPoint, Cutter, closingMessages, openingMessages } from "./cutter.ts";
import { bothSides, type OurPair, openChannel, type Side, startOurPair } from "./ourPair.ts";
import { connectIfApart, reconnectWhenCut } from "./reconnect.ts";

installNodeCrypto();

const format = "anchors-zero-fee-htlc";
const terms = { format, sats: 1_000_000n, pushMsat: 400_000_000n } as const;

for (const opener of bothSides) {
  test(`opened by ${opener}: cut at each message of the opening`, { timeout: 90_000 }, async (t) => {
    const line = await OpeningLine.start(t);
    const fates = new Map<string, string>();
    for (const point of pointsUpTo(3)) {
      const { at, lives } = await line.open(opener, point);
      fates.set(`${point.when} ${point.direction} ${at}`, lives ? "lives" : "dies");
    }
    // A channel lives once its opener has seen `funding_signed`: from then on it may broadcast the funding.
    const [toOpener, fromOpener] = opener === "us" ? ["in", "out"] : ["out", "in"];
    // LDK asks again when it had no answer.
    const unanswered = opener === "us" ? "dies" : "lives";
    const expected = new Map([
      [`before ${fromOpener} open_channel`, unanswered],
      [`after ${fromOpener} open_channel`, unanswered],
      [`before ${toOpener} accept_channel`, unanswered],
      [`after ${toOpener} accept_channel`, "dies"],
      [`before ${fromOpener} funding_created`, "dies"],
      [`after ${fromOpener} funding_created`, "dies"],
      [`before ${toOpener} funding_signed`, "dies"],
      [`after ${toOpener} funding_signed`, "lives"],
      ["before in channel_ready", "lives"],
      ["after in channel_ready", "lives"],
      ["before out channel_ready", "lives"],
      ["after out channel_ready", "lives"],
    ]);
    assert.deepEqual(fates, expected);
    assert.deepEqual(line.pair.chain.chain.mempool, [], "nothing but fundings was broadcast");
  });

  for (const closer of bothSides) {
    const title = `opened by ${opener}, closed by ${closer}: cut at each message of the closing`;
    test(title, { timeout: 90_000 }, async (t) => {
      const line = await OpeningLine.start(t);
      // `shutdown` both ways, and the offer and answer of the fee.
      for (const point of pointsUpTo(2)) {
        await line.close(await openChannel(line.pair, { opener, ...terms }), closer, point);
      }
    });
  }
}

test("a close whose last signature never comes is seen in the chain", { timeout: 60_000 }, async (t) => {
  const line = await OpeningLine.start(t);
  await line.closeAlone(await openChannel(line.pair, { opener: "ldk", ...terms }));
});

function pointsUpTo(messages: number): readonly CutPoint[] {
  const points: CutPoint[] = [];
  for (const direction of ["in", "out"] as const) {
    for (const when of ["before", "after"] as const) {
      for (let index = 0; index < messages; index++) points.push({ direction, when, index });
    }
  }
  return points;
}

/** Our node and LDK, and a connection that is cut while they open and close channels. */
class OpeningLine {
  readonly pair: OurPair;
  readonly #cutter: Cutter;

  static async start(t: TestContext): Promise<OpeningLine> {
    const cutter = new Cutter();
    const pair = await startOurPair(t, { us: { tap: cutter.tap }, expectsComplaints: true });
    // Who has not seen the opener give up publishes its commitment, though nobody has the funding. And LDK forgets a
    // closed channel at once: it has who comes back publish a commitment, when the closing transaction is out.
    const expected = ["missing-inputs", "replacement-feerate-too-low", "replacement-fee-too-low"];
    pair.chain.expectsRefusal = ({ refusal }) => expected.includes(refusal.kind);
    return new OpeningLine(pair, cutter);
  }

  private constructor(pair: OurPair, cutter: Cutter) {
    this.pair = pair;
    this.#cutter = cutter;
  }

  /** Opens a channel with a cut; whether both sides have it in the end, as they must agree. */
  async open(opener: Side, point: CutPoint): Promise<{ readonly at: string; readonly lives: boolean }> {
    const { us, ldk, chain } = this.pair;
    const before = us.manager.listUsableChannels().length;
    this.#cutter.arm([point], openingMessages);
    const reconnecting = reconnectWhenCut(this.pair);
    const funder = new Funder(this.pair);
    await this.#startOpening(opener);
    for (const deadline = performance.now() + 15_000; ; ) {
      await funder.fund();
      chain.collect();
      if (chain.chain.mempool.length > 0) await chain.mine(2);
      const ours = us.manager.listChannels().filter(({ state }) => state !== "closing");
      const theirs = await ldk.cmd("channels");
      const isOver =
        this.#cutter.cutAt.length === 1 &&
        us.peers.listPeers().length === 1 &&
        ours.length === theirs.length &&
        ours.every(({ isUsable }) => isUsable) &&
        theirs.every(({ usable }) => usable);
      if (isOver) {
        await reconnecting.finish();
        return { at: this.#cutter.cutAt[0] ?? "", lives: ours.length > before };
      }
      if (performance.now() > deadline) {
        reconnecting.giveUp();
        const states = { ours: ours.map(({ state }) => state), theirs: theirs.length };
        throw new Error(`${JSON.stringify({ point, at: this.#cutter.cutAt, states, log: us.log }, null, 1)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Closes a channel with a cut, and what confirms is the closing transaction. */
  async close({ channelId, funding }: ChannelDetails, closer: Side, point: CutPoint): Promise<void> {
    const { us, ldk, chain } = this.pair;
    this.#cutter.arm([point], closingMessages);
    const reconnecting = reconnectWhenCut(this.pair);
    if (closer === "us") us.act((manager) => manager.closeChannel(channelId));
    else await ldk.cmd("close", { channelId });
    // One side has both signatures; the other may see the close only in the chain.
    await us.until("closing transaction", () => {
      chain.collect();
      return this.#cutter.cutAt.length === 1 && chain.chain.outputSpentBy(funding);
    });
    await reconnecting.finish();
    await chain.mine(6);
    await us.waitFor("channel-closed", (event) => event.channelId === channelId);
    await ldk.waitFor("channel-closed", (event) => event.channelId === channelId);
    // LDK hangs up on who it told that a channel is closed.
    await connectIfApart(this.pair);
    const spender = chain.chain.outputSpentBy(funding);
    assert.equal(
      spender?.transaction.outputs.length,
      2,
      "a closing transaction, not a commitment with anchors",
    );
  }

  /** Closes a channel with a cut after our last message, and does not connect again before the close is confirmed. */
  async closeAlone({ channelId, funding }: ChannelDetails): Promise<void> {
    const { us, ldk, chain } = this.pair;
    this.#cutter.arm([{ direction: "out", index: 1, when: "after" }], closingMessages);
    await ldk.cmd("close", { channelId });
    await us.until("closing transaction", () => {
      chain.collect();
      return chain.chain.outputSpentBy(funding);
    });
    assert.deepEqual(this.#cutter.cutAt, ["closing_signed"]);
    assert.equal(
      us.events.some((event) => event.kind === "channel-closed" && event.channelId === channelId),
      false,
    );
    await chain.mine(1);
    const closed = await us.waitFor("channel-closed", (event) => event.channelId === channelId);
    assert.equal(closed.reason.kind, "counterparty-initiated-cooperative-closure");
  }

  async #startOpening(opener: Side): Promise<void> {
    const { us, ldk } = this.pair;
    const { sats, pushMsat } = terms;
    if (opener === "ldk") {
      await ldk.cmd("open", { nodeId: us.nodeId, sats, pushMsat, anchors: true, announce: false });
      return;
    }
    const request = { counterparty: ldk.nodeId as NodeId, funding: sat(sats), push: msat(pushMsat) };
    us.act((manager) => manager.createChannel({ ...request, formats: [format] }));
  }
}

/** Funds the channel that LDK opens next, unless that is gone before. */
class Funder {
  readonly #pair: OurPair;
  readonly #since: number;
  #isDone = false;

  constructor(pair: OurPair) {
    this.#pair = pair;
    this.#since = pair.ldk.eventCount;
  }

  async fund(): Promise<void> {
    const { us, ldk, chain } = this.#pair;
    const wanted = ldk.events.slice(this.#since).find((event) => event.type === "funding-generation-ready");
    if (wanted?.type !== "funding-generation-ready" || this.#isDone) return;
    this.#isDone = true;
    const { temporaryChannelId, sats, outputScript } = wanted;
    const tx = chain.fundHex(sats, outputScript);
    try {
      await ldk.cmd("fund", { temporaryChannelId, nodeId: us.nodeId, tx });
    } catch (error) {
      const isKnown = (await ldk.cmd("channels")).some(({ channelId }) => channelId === temporaryChannelId);
      if (isKnown) throw error;
    }
  }
}
