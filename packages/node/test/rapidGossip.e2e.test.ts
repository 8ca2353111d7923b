import assert from "node:assert/strict";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { networks } from "@fulmen/bitcoin/network";
import { defaultUserConfig } from "@fulmen/lightning/channel";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import {
  msat,
  type NodeId,
  present,
  type ShortChannelId,
  sat,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import type { Node } from "@fulmen/node";
import { RapidGossipSyncServer } from "@fulmen/rapid-gossip-sync";
import { Playfield, until } from "./support/playfield.ts";

const now = Math.floor(Date.now() / 1_000) as UnixSeconds;
const day = 24 * 3_600;

/** What a server tells of one channel, on terms that any of our nodes forwards on. */
function graphOf(channel: ShortChannelId, ends: readonly NodeId[], time: UnixSeconds = now): NetworkGraph {
  const graph = new NetworkGraph({ chainHash: networks.regtest.genesisHash });
  const [nodeOne, nodeTwo] = [...ends].sort().map((end) => present(end, "a node"));
  assert.ok(nodeOne !== undefined && nodeTwo !== undefined);
  const { none: features } = Features;
  const about = { shortChannelId: channel, nodeOne, nodeTwo, features };
  assert.ok(graph.addChannelFromPartialAnnouncement(about, time).ok);
  for (const fromNodeOne of [true, false]) {
    const terms = { enabled: true, lastUpdate: time, cltvExpiryDelta: 144, htlcMinimum: msat(1) };
    const fees = { feeBaseMsat: 5_000, feeProportionalMillionths: 100, htlcMaximum: msat(900_000_000) };
    const taken = graph.updateChannelUnsigned(
      { shortChannelId: channel, fromNodeOne, ...terms, ...fees },
      time,
    );
    assert.ok(taken.ok);
  }
  return graph;
}

const { channelHandshakeConfig } = defaultUserConfig;
const config = { channelHandshakeConfig: { ...channelHandshakeConfig, announceForForwarding: true } };
const field = new Playfield();
const sample = graphOf(
  1n as ShortChannelId,
  ["02", "03"].map((start) => start.padEnd(66, "1") as NodeId),
);
let served = sample;
let bob: Node;
let carol: Node;
const closings: (() => Promise<void>)[] = [];

/** Serves `graph` as it was at `time`; gives the address for a node's option. */
async function serve(graph: () => NetworkGraph, time: UnixSeconds = now): Promise<string> {
  const server = new RapidGossipSyncServer({ graph, clock: () => time });
  closings.push(() => server.close());
  return `http://127.0.0.1:${await server.listen({ port: 0 })}/v2/snapshot`;
}

/** Answers every request so; gives the address for a node's option. */
async function answer(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closings.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

before(async () => {
  bob = await field.start("bob", { config });
  carol = await field.start("carol", { config });
});
after(async () => {
  await field.stop();
  for (const close of closings) await close();
});

test("a node pays over channels of which only a server told it", async () => {
  await field.fund(bob);
  await bob.openChannel({ peer: carol.uri, amount: sat(1_000_000) });
  await until(() => field.chain.mempool.length === 1, "the funding");
  await field.mine(6);
  await until(() => bob.status().channels.usable === 1, "bob and carol's channel");
  served = graphOf(present(bob.channels()[0]?.shortChannelId, "an id"), [bob.nodeId, carol.nodeId]);

  const alice = await field.start("alice", {
    config,
    gossip: { rapidGossipSync: await serve(() => served) },
  });
  await until(() => alice.status().graph.channels === 1, "the snapshot");
  await field.fund(alice);
  await alice.openChannel({ peer: bob.uri, amount: sat(500_000) });
  await until(() => field.chain.mempool.length === 1, "the funding");
  await field.mine(6);
  await until(() => alice.status().channels.usable === 1, "alice's channel");
  // No hint in it: carol's channel is announced.
  const { invoice } = await carol.receive({ amount: msat(1_000_000) });
  const paid = await alice.pay(invoice);
  assert.equal(paid.status, "succeeded");
  assert.equal(paid.fee, 5_100n, "on the server's terms");
});

test("an address that has moved is followed", async () => {
  const url = await serve(() => sample);
  const moved = await answer((request, response) => {
    response.writeHead(301, { location: `${url}${request.url}` }).end();
  });
  const dora = await field.start("dora", { gossip: { rapidGossipSync: moved } });
  await until(() => dora.status().graph.channels === 1, "the snapshot");
  await dora.stop();
});

const html = "<!doctype html><title>Welcome to the hotel's network</title>";

/** Where nothing comes of it, and what the log says then. */
const badServers: readonly (readonly [string, RequestListener | (() => Promise<string>), RegExp])[] = [
  ["a login page", (_, response) => response.end(html), /not a snapshot/],
  ["an error page", (_, response) => response.writeHead(502).end(html), /answers with 502/],
  ["a snapshot that is cut", cut, /terminated|aborted|closed/],
  ["a flood behind few bytes", flood, /longer than 67108864 bytes/],
  ["addresses in a circle", (_, response) => response.writeHead(302, { location: "/0" }).end(), /redirect/],
  ["nobody", async () => "http://127.0.0.1:1", /fetch failed|bad port/],
  ["a snapshot of last month", () => serve(() => sample, (now - 30 * day) as UnixSeconds), /snapshot of/],
  [
    "one of mainnet",
    () => serve(() => new NetworkGraph({ chainHash: networks.mainnet.genesisHash })),
    /chain/,
  ],
];

function cut(_: unknown, response: ServerResponse): void {
  response.writeHead(200, { "content-length": 10_000 }).write("LDK\x02");
  setTimeout(() => response.destroy(), 5);
}

function flood(_: unknown, response: ServerResponse): void {
  response
    .writeHead(200, { "content-encoding": "gzip" })
    .end(gzipSync(new Uint8Array(70 << 20), { level: 1 }));
}

for (const [name, server, told] of badServers) {
  test(`given ${name}, the log says so, the graph stays as it is, and the node runs`, async () => {
    const url =
      server.length > 0 ? await answer(server as RequestListener) : await (server as () => Promise<string>)();
    const lines: string[] = [];
    const logger = {
      log: ({ module, text }: { readonly module: string; readonly text: string }) => {
        if (module === "gossip") lines.push(text);
      },
    };
    const erin = await field.start("erin", { gossip: { rapidGossipSync: url }, logger });
    await until(() => lines.length > 0, "a line in the log");
    assert.match(lines[0] ?? "", told);
    assert.match(lines[0] ?? "", /again in an hour/);
    assert.deepEqual(erin.status().graph, { nodes: 0, channels: 0 });
    assert.equal(erin.status().phase, "running");
    await erin.stop();
  });
}
