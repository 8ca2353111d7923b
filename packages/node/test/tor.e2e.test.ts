import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Node, NodeError } from "@fulmen/node";
import { EsploraServer } from "@fulmen/testkit/esplora";
import { Socks5Server } from "@fulmen/testkit/sockets";
import { Playfield } from "./support/playfield.ts";

// Nodes that reach others through a SOCKS5 proxy which alone knows where their names lead.

const [peerOnion, chainOnion] = [`${"p".repeat(56)}.onion`, `${"c".repeat(56)}.onion`];
const field = new Playfield();
const esplora = new EsploraServer(field.chain);
let tor: Socks5Server;
let bob: Node;
let bobPort: string;
const socks = () => ({ host: "127.0.0.1", port: tor.port });
const targets = (): readonly string[] => [...new Set(tor.asked.map(({ target }) => target))].sort();

before(async () => {
  await esplora.listen();
  bob = await field.start("bob");
  bobPort = bob.status().listening?.split(":")[1] ?? "";
  const server = Number(new URL(esplora.url).port);
  tor = await Socks5Server.listen({
    [`${peerOnion}:9735`]: Number(bobPort),
    "bob.example:9735": Number(bobPort),
    [`${chainOnion}:80`]: server,
    "esplora.example:80": server,
  });
});
after(async () => {
  await field.stop();
  await tor.close();
  await esplora.close();
});

describe("Tor", () => {
  it("reaches onion addresses, of peers and of the chain source, each by a circuit of its own", async () => {
    const chain = { esplora: { url: `http://${chainOnion}/api` } };
    const alice = await field.start("alice", { chain, tor: { socks: socks() } });
    const { isConnected } = await alice.connect(`${bob.nodeId}@${peerOnion}:9735`);
    assert.ok(isConnected);
    assert.deepEqual(targets(), [`${chainOnion}:80`, `${peerOnion}:9735`]);
    assert.equal(new Set(tor.asked.map(({ username }) => username)).size, 2, "one name for each destination");
    assert.equal(alice.status().chain.height, field.chain.tip.height);
  });

  it("is not used for what has no onion address", async () => {
    tor.asked.length = 0;
    const carol = await field.start("carol", {
      chain: { esplora: { url: esplora.url } },
      tor: { socks: socks() },
    });
    await carol.connect(bob.uri);
    assert.deepEqual(targets(), []);
  });

  it("is used for everything but this machine, where that is wanted", async () => {
    tor.asked.length = 0;
    const option = { socks: socks(), everything: true };
    const chain = { esplora: { url: "http://esplora.example/api" } };
    const gossip = { rapidGossipSync: "http://gossip.example/snapshot" };
    const dora = await field.start("dora", { chain, gossip, tor: option });
    await dora.connect(`${bob.nodeId}@bob.example`);
    await dora.disconnect(bob.nodeId);
    await dora.connect(`${bob.nodeId}@127.0.0.1:${bobPort}`);
    assert.deepEqual(targets(), ["bob.example:9735", "esplora.example:80", "gossip.example:80"]);
  });

  it("is needed for onion addresses", async () => {
    const erin = await field.start("erin");
    await assert.rejects(erin.connect(`${bob.nodeId}@${peerOnion}:9735`), ({ code, message }: NodeError) => {
      assert.equal(code, "peer-unreachable");
      return message.includes("NEEDS_TOR");
    });
    const electrum = { url: `wss://${chainOnion}` };
    await assert.rejects(field.start("fay", { chain: { electrum }, tor: { socks: socks() } }), {
      code: "invalid-option",
      message: /WebSockets/,
    });
  });
});
