import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { KeysManager } from "@fulmen/lightning/sign";
import { type ChannelId, feeratePerKw, msat, type Point, sat, toHex } from "@fulmen/lightning/util";
import type { OpenChannel } from "@fulmen/lightning/wire";
import { MemoryStore } from "@fulmen/persist/memory";
import { booked, Playfield, until } from "./support/playfield.ts";
import { stranger } from "./support/stranger.ts";

const field = new Playfield();
after(() => field.stop());

const [errorType, acceptType] = [17, 33];
const point = new KeysManager(new Uint8Array(32).fill(7)).nodeId as string;
const key = Uint8Array.from(point.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16)) as Point;

function open(more: Partial<OpenChannel> = {}): OpenChannel {
  return {
    type: "open_channel",
    chainHash: networks.regtest.genesisHash,
    temporaryChannelId: toHex(new Uint8Array(randomBytes(32))) as ChannelId,
    fundingSatoshis: sat(1_000_000),
    pushMsat: msat(0),
    dustLimitSatoshis: sat(546),
    maxHtlcValueInFlightMsat: msat(1_000_000_000),
    channelReserveSatoshis: sat(10_000),
    htlcMinimumMsat: msat(1),
    feeratePerKw: feeratePerKw(1_000),
    toSelfDelay: 144,
    maxAcceptedHtlcs: 30,
    fundingPubkey: key,
    revocationBasepoint: key,
    paymentBasepoint: key,
    delayedPaymentBasepoint: key,
    htlcBasepoint: key,
    firstPerCommitmentPoint: key,
    channelFlags: 0,
    tlvs: { upfrontShutdownScript: new Uint8Array(0), channelType: Uint8Array.of(0x10, 0x00) },
    ...more,
  } as OpenChannel;
}

const withAnchors: Partial<OpenChannel> = {
  tlvs: { upfrontShutdownScript: new Uint8Array(0), channelType: Uint8Array.of(0x40, 0x10, 0x00) },
} as Partial<OpenChannel>;

/** Fundings below the least that it takes, as the user has it. */
const refused = { inboundChannels: { minFunding: sat(500_000) } };

describe("strangers that open channels and never fund them", () => {
  it("leave nothing behind, and push no event out of the history", async () => {
    const storage = new MemoryStore();
    const node = await field.start("target", { storage, retention: { maxEvents: 30 }, ...refused });
    await field.fund(node);
    await until(() => node.lastEventIndex > 0, "the deposit");
    const rows = async () => (await storage.scan("journal/", undefined, 10_000)).map(({ key: row }) => row);
    const before = (await rows()).filter((row) => !/event|head/.test(row));
    const first = node.lastEventIndex;
    const peer = await stranger(node.uri);
    for (let i = 0; i < 40; i++) peer.send(open({ pushMsat: msat(2_000_000_000n) }));
    await until(() => peer.answers(errorType) === 40, "refusals");
    for (let i = 0; i < 40; i++) {
      peer.send(open({ fundingSatoshis: sat(400_000) }));
      await until(() => peer.answers(errorType) > 40 + i, "a refusal");
    }
    for (let i = 0; i < 40; i++) {
      const message = open();
      peer.send(message);
      await until(() => peer.answers(acceptType) === i + 1, "an answer");
      const data = new TextEncoder().encode("never mind");
      peer.send({ type: "error", channelId: message.temporaryChannelId, data } as never);
    }
    await until(() => node.channels().length === 0, "no channel");
    // What comes later is handled later.
    peer.end();
    await field.fund(node);
    const last = (await node.payments()).at(0)?.id;
    await until(async () => (await rows()).includes(`journal/booked/${last}`), "what came after them");
    const kept = await rows();
    const news = kept.filter((row) => !before.includes(row) && !/event|head/.test(row));
    assert.deepEqual(
      news.filter((row) => row.startsWith("journal/channel/")),
      [],
    );
    assert.ok(news.length < 10, `${news.length} rows`);
    assert.ok(
      kept.includes(`journal/event/${String(first).padStart(16, "0")}`),
      "the deposit is still there",
    );
  });

  it("tie up no coins, neither for payments nor for channels of ours", async () => {
    const node = await field.start("rich");
    const other = await field.start("honest");
    await field.fund(node);
    const peers = await Promise.all([1, 2].map(() => stranger(node.uri)));
    for (const peer of peers) for (let n = 0; n < 2; n++) peer.send(open(withAnchors));
    await until(() => peers.every((peer) => peer.answers(acceptType) === 2), "all are taken");
    const { reserved, spendable, total } = node.balances().onchain;
    assert.deepEqual([reserved.amount, spendable.amount], [0n, total]);
    const opened = await node.openChannel({ peer: other.uri, amount: sat(1_200_000) });
    assert.match(opened.channelId, /^[0-9a-f]{64}$/);
    for (const peer of peers) peer.end();
    await field.mine(1);
    await Promise.all([node.stop(), other.stop()]);
  });

  it("make nobody richer by what they push, before a block has the funding", async () => {
    const [node, rich] = [await field.start("poor"), await field.start("generous")];
    await field.fund(rich);
    await rich.openChannel({ peer: node.uri, amount: sat(1_000_000), push: msat(300_000_000) });
    await until(() => node.channels().length === 1, "the channel");
    assert.deepEqual([node.balances().total, booked(node)], [0n, 0n]);
    await until(() => field.chain.mempool.length === 1, "the funding");
    await field.mine(6);
    await until(() => node.status().channels.usable === 1, "usable");
    await until(() => node.balances().total === 300_000_000n && booked(node) === 300_000_000n, "it is ours");
    await Promise.all([node.stop(), rich.stop()]);
  });
});
