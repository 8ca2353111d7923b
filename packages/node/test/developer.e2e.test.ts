import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { EsploraSource } from "@fulmen/chain-sync/esplora";
import { type ChannelSecrets, InMemorySigner, KeysManager } from "@fulmen/lightning/sign";
import {
  type Bytes32,
  fromHex,
  msat,
  type NodeId,
  type PaymentHash,
  sat,
  toHex,
} from "@fulmen/lightning/util";
import { Node, type NodeError, type NodeOptions } from "@fulmen/node";
import { MemoryStore } from "@fulmen/persist";
import { EsploraServer } from "@fulmen/testkit/esplora";
import type { NodeParts } from "#src/parts/index";
import { beginRawSend } from "#src/paying/index";
import { receive } from "#src/receiving/index";
import { Playfield, until } from "./support/playfield.ts";

// What a protocol test suite may choose, seen from the peer.

/** The private key 1: its node id is the curve's generator. */
const nodeKey = fromHex(`${"00".repeat(31)}01`);
const generator = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" as NodeId;
const secret = (last: number): Uint8Array => new Uint8Array(32).fill(last, 31);
const channelSecrets: ChannelSecrets = {
  funding: secret(0x10),
  revocation: secret(0x11),
  payment: secret(0x12),
  delayedPayment: secret(0x13),
  htlc: secret(0x14),
  commitmentSeed: new Uint8Array(32).fill(0xff),
};
const preimage = new Uint8Array(32).fill(7) as Bytes32;
const paymentHash = createHash("sha256").update(preimage).digest("hex") as PaymentHash;

const field = new Playfield();
const quick = { forwardAtOnce: true, reconnectDelay: 20 };
const bobsStore = new MemoryStore();
let alice: Node;
let bob: Node;

before(async () => {
  const development = { ...quick, nodeKey, channelSecrets, minimumDepth: 2 };
  alice = await field.start("alice", { development });
  bob = await field.start("bob", { storage: bobsStore });
});
after(() => field.stop());

/** Whether what the node stored of its channels has these bytes. */
async function isStored(bytes: Uint8Array): Promise<boolean> {
  const rows = await bobsStore.scan("channel/", undefined, 1_000);
  return rows.some(({ value }) => toHex(value).includes(toHex(bytes)));
}

describe("for protocol tests", () => {
  it("the node's key, and the secrets of its channels, are those that were chosen", async () => {
    assert.equal(alice.nodeId, generator);
    assert.equal(bob.verifyMessage("hello", alice.signMessage("hello").signature), generator);
    await field.fund(alice);
    await field.fund(bob);
    await bob.openChannel({ peer: alice.uri, amount: sat(500_000), push: msat(100_000_000) });
    const { basepoints, fundingKey } = new InMemorySigner(channelSecrets, new KeysManager(nodeKey));
    for (const point of [fundingKey, ...Object.values(basepoints)]) assert.ok(await isStored(point));
    assert.ok(!(await isStored(fromHex(bob.nodeId))), "what is not there is not found");
  });

  it("a channel that a peer opens asks for as many confirmations", async () => {
    await until(() => field.chain.mempool.length > 0, "the funding in the mempool");
    await field.mine(1);
    assert.equal(bob.channels()[0]?.isUsable, false);
    await field.mine(1);
    await until(() => bob.channels()[0]?.isUsable === true, "usable after two blocks");
  });

  it("an invoice has the preimage that was chosen, and is claimed by the node", async () => {
    const asked = await alice.receive({ amount: msat(5_000), preimage });
    assert.equal(asked.paymentHash, paymentHash);
    const paid = await bob.pay(asked.invoice);
    assert.deepEqual(paid.preimage, preimage);
    assert.equal((await alice.payment(paymentHash))?.isHeld, undefined);
    await assert.rejects(alice.receive({ preimage, hold: true }), { code: "invalid-request" });
  });

  it("one HTLC goes to the peer, whatever the peer does with it", async () => {
    const { paymentHash: hash, invoice } = await bob.receive({ amount: msat(3_000) });
    const [method] = alice.parse(invoice).methods;
    assert.ok(method?.kind === "bolt11");
    const { paymentSecret, minFinalCltvExpiryDelta: expiryDelta } = method.invoice;
    const request = { peer: bob.nodeId, amount: msat(3_000), paymentHash: hash };
    const known = { paymentSecret: paymentSecret as Bytes32, expiryDelta };
    const sent = await alice.sendRaw({ ...request, ...known });
    const ended = async (id: string) => (await alice.payment(id))?.status;
    await until(async () => (await ended(sent.id)) === "succeeded", "the HTLC is fulfilled");
    const unknown = await alice.sendRaw({ ...request, paymentHash: "ab".repeat(32) as PaymentHash });
    await until(async () => (await ended(unknown.id)) === "failed", "an HTLC that nobody knows comes back");
    await assert.rejects(alice.sendRaw({ ...request, peer: generator }), { code: "invalid-request" });
    await assert.rejects(alice.sendRaw({ ...request, expiryDelta: 0 }), { code: "invalid-request" });
  });

  it("the chain source is asked as often as was chosen", async () => {
    const server = new EsploraServer(field.chain);
    await server.listen();
    const development = { ...quick, pollInterval: 20 };
    const fast = new Node(field.options("fast", { chain: { esplora: { url: server.url } }, development }));
    await fast.start();
    try {
      field.chain.mine(1);
      const { height } = field.chain.tip;
      // Otherwise it looks every ten seconds.
      await until(() => fast.status().chain.height === height, "the new block", 5);
    } finally {
      await fast.stop();
      await server.close();
    }
  });

  it("nothing of it is there on mainnet", async () => {
    const parts = { options: { network: "mainnet" } } as NodeParts;
    const refusal = { code: "invalid-request", message: /not on mainnet/ };
    await assert.rejects(receive(parts, { preimage }), refusal);
    const request = { peer: bob.nodeId, amount: msat(1), paymentHash };
    await assert.rejects(beginRawSend(parts, request), refusal);
    const options: NodeOptions = {
      ...field.options("main"),
      network: "mainnet",
      storage: new MemoryStore(),
      chain: new EsploraSource({ url: "http://127.0.0.1:1", network: "mainnet" }),
    };
    for (const development of [
      { nodeKey },
      { channelSecrets },
      { minimumDepth: 1 },
      { pollInterval: 1 },
      quick,
    ])
      assert.throws(
        () => new Node({ ...options, development }),
        ({ code, message }: NodeError) => code === "invalid-option" && /not for real money/.test(message),
      );
  });

  it("a key that is none is refused by its name", () => {
    const zero = new Uint8Array(32);
    const refused = (development: object, name: RegExp) =>
      assert.throws(() => new Node(field.options("x", { development })), {
        code: "invalid-option",
        message: name,
      });
    refused({ nodeKey: zero }, /nodeKey/);
    refused({ channelSecrets: { ...channelSecrets, htlc: zero } }, /htlc/);
    refused({ channelSecrets: { ...channelSecrets, commitmentSeed: secret(1).slice(1) } }, /commitment seed/);
    refused({ minimumDepth: 0 }, /depth of 0/);
  });
});
