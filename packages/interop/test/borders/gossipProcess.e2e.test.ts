import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { Route, RouteRequest } from "@fulmen/lightning/routing";
import { type PaymentId, present } from "@fulmen/lightning/util";
import { MemoryStore } from "@fulmen/persist";
import { BorderNetwork } from "./borderNetwork.ts";
import { startChild, tell } from "./childProcess.ts";
import { type FromGossip, RemoteGossip } from "./remoteGossip.ts";

installNodeCrypto();

/** What paying an invoice asks of a route, from what the payer's user sees. */
function requestOf(net: BorderNetwork, payer: number, invoice: string): RouteRequest {
  const { manager, nodeId } = net.node(payer);
  const { routeParameters: parameters } = manager.paymentTermsOf(invoice);
  const firstHops = manager.listUsableChannels().map((channel) => ({
    counterparty: channel.counterparty,
    shortChannelId: present(channel.shortChannelId, "the id of a confirmed channel"),
    minimum: channel.nextOutboundHtlcMinimum,
    maximum: channel.nextOutboundHtlcLimit,
  }));
  return { payer: nodeId, parameters, firstHops, inFlightHtlcs: [] };
}

describe("gossip in a process of its own", () => {
  it("is synced, relayed, and asked for routes, and learns all anew when it dies", async (t) => {
    const net = new BorderNetwork();
    const gossip = new RemoteGossip();
    let child: ChildProcess | undefined;
    const start = (): ChildProcess => {
      const started = startChild("./gossipProcess.ts", { now: net.now });
      started.on("message", (message) => {
        const said = message as FromGossip;
        if (said.kind === "ready") gossip.connected((answer) => tell(started, answer));
        gossip.receive(said);
      });
      started.once("exit", () => gossip.lost());
      return started;
    };
    child = start();
    t.after(() => child?.kill("SIGKILL"));

    // 0 pays 2 by way of 1; 3 hears of all this from 0 only.
    await net.add({ store: new MemoryStore(), routing: gossip });
    for (let i = 1; i < 4; i++) await net.add({ store: new MemoryStore() });
    net.connect(0, 1);
    net.connect(1, 2);
    net.connect(0, 3);
    await net.settle();
    for (const from of [0, 1]) {
      net.open(from, from + 1, "anchors-zero-fee-htlc");
      await net.settle();
    }
    net.mine(6);
    await net.until("both channels in the other process", () => gossip.channels === 2);
    await net.until("relayed gossip", () => net.node(3).graph.channelCount === 2);
    assert.equal(net.node(0).graph.channelCount, 0);

    /** Asked until the last updates have come there, too. */
    const routeOf = async (invoice: string): Promise<Route> => {
      for (let attempt = 1; ; attempt++) {
        const found = await gossip.findRoute(requestOf(net, 0, invoice));
        if (found.ok) return found.value;
        assert.ok(attempt < 500, found.error.text);
        await net.turn();
      }
    };
    const pay = async (): Promise<void> => {
      const { invoice, paymentHash } = net.invoice(2, 50_000n);
      const route = await routeOf(invoice);
      assert.equal(route.paths[0]?.hops.length, 2);
      const { manager } = net.node(0);
      manager.sendPaymentWithRoute(
        paymentHash as string as PaymentId,
        manager.paymentTermsOf(invoice),
        route,
      );
      await net.until("a settled payment", () => net.told(0, "payment-sent", paymentHash) === 1);
      assert.equal(net.told(2, "payment-claimed", paymentHash), 1);
    };
    await pay();

    // By now the payee expects payers to know its channel, and gives no hints.
    net.mine(2);
    await net.settle();
    const alone = net.pay(0, 2, 50_000n);
    await net.until("a refusal without the graph", () => net.told(0, "payment-failed", alone) === 1);

    child.kill("SIGKILL");
    await net.until("its end", () => gossip.channels === 0);
    child = start();
    // Peers tell all that they have once a minute at most.
    net.now += 60;
    for (const node of net.nodes) node.tick();
    await net.until("both channels once more", () => gossip.channels === 2);
    await pay();
    for (const node of net.nodes) {
      assert.deepEqual(
        node.log.filter(({ level }) => level === "error" || level === "warn"),
        [],
      );
    }
  });
});
