import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createClient } from "@fulmen/client";
import { NodeStore } from "#src/model/store";

/** A node that counts what it is asked, and refuses when it is told to. */
function double() {
  const asked: string[] = [];
  const node = { asked, isRefusing: false, payments: 0, nodes: 3, events: "" };
  const fetch = async (input: string | URL | Request): Promise<Response> => {
    const path = String(input).replace(/^http:\/\/node|\?.*$/g, "");
    asked.push(path);
    if (node.isRefusing) {
      const error = { code: "token-expired", message: "The token expired.", remedy: "Make another." };
      return Response.json({ error }, { status: 401 });
    }
    if (path === "/v1/events")
      return new Response(node.events, { headers: { "content-type": "text/event-stream" } });
    if (path.startsWith("/v1/payments/"))
      return Response.json({ id: path.slice("/v1/payments/".length), status: "done" });
    const after = Number(new URL(String(input)).searchParams.get("after") ?? node.payments + 1);
    const payments = Array.from({ length: Math.min(50, after - 1) }, (_, index) => ({
      id: `p${after - 1 - index}`,
      ...(after - 1 - index === 25 && { status: "pending", expiresAt: 1 }),
    }));
    const next = after > 51 ? { next: after - 50 } : {};
    const graph = { nodes: [], channels: [] };
    if (path === "/v1/graph") return Response.json(graph);
    const lists = { channels: [{ peer: "bob" }], payments, peers: [], entries: [], ...next };
    return Response.json({ lastEventIndex: 0, graph: { nodes: node.nodes, channels: 1 }, ...lists });
  };
  return { node, store: new NodeStore(createClient({ url: "http://node", fetch, retries: 0 })) };
}

describe("what the page knows of the node", () => {
  it("is told to listeners, and asked for once more however often it was called for meanwhile", async () => {
    const { node, store } = double();
    let changes = 0;
    store.subscribe(() => changes++);
    await store.open();
    assert.equal(store.state.channels[0]?.peer, "bob");
    assert.ok(changes >= 2);
    node.asked.length = 0;
    await Promise.all([store.refresh(), store.refresh(), store.refresh()]);
    assert.ok(node.asked.filter((path) => path === "/v1/channels").length <= 2, node.asked.join(" "));
    store.end();
  });

  it("stays when the node refuses, with the reason and the remedy", async () => {
    const { node, store } = double();
    await store.open();
    node.isRefusing = true;
    await store.refresh();
    assert.deepEqual(store.state.trouble, {
      code: "token-expired",
      message: "The token expired.",
      remedy: "Make another.",
    });
    assert.equal(store.state.channels.length, 1);
    node.isRefusing = false;
    await store.refresh();
    assert.equal(store.state.trouble, undefined);
  });

  it("has older payments page by page, goes on when new ones come, and leaves no gap", async () => {
    const { node, store } = double();
    node.payments = 120;
    await store.open();
    const shown = () => store.state.payments.map(({ id }) => id);
    assert.deepEqual([shown().length, store.state.hasMorePayments], [50, true]);
    await store.morePayments();
    node.payments = 125;
    await store.refresh();
    assert.deepEqual([shown().length, shown()[0], shown().at(-1)], [105, "p125", "p21"]);
    await store.morePayments();
    assert.deepEqual([shown().length, shown().at(-1), store.state.hasMorePayments], [125, "p1", false]);
    await store.morePayments();
    assert.equal(shown().length, 125);
    node.payments = 300;
    await store.refresh();
    assert.deepEqual([shown().length, shown().at(-1), store.state.hasMorePayments], [50, "p251", true]);
  });

  it("brings a payment of an older page up to date when an event speaks of it, or when it has expired", async () => {
    const { node, store } = double();
    node.payments = 120;
    await store.open();
    await store.morePayments();
    const event = (index: number, paymentId: string) =>
      `id: ${index}\ndata: ${JSON.stringify({ index, kind: "payment-sent", paymentId })}\n\n`;
    node.events = `${event(1, "p119")}${event(2, "p30")}`;
    const following = store.follow();
    const statusOf = (id: string) => {
      const found = store.state.payments.find((payment) => payment.id === id);
      return found && "status" in found ? found.status : undefined;
    };
    for (let turns = 0; statusOf("p30") === undefined && turns < 200; turns++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(
      [statusOf("p30"), statusOf("p31"), store.state.payments.length],
      ["done", undefined, 100],
    );
    assert.equal(statusOf("p25"), "done", "it had expired");
    const asked = node.asked.filter((path) => path.startsWith("/v1/payments/"));
    assert.deepEqual(asked.toSorted(), ["/v1/payments/p25", "/v1/payments/p30"]);
    store.end();
    await following;
  });

  it("asks for the network when something in it is new, and for a large one not all the time", async () => {
    const { node, store } = double();
    const asked = () => node.asked.filter((path) => path === "/v1/graph").length;
    await store.open();
    await store.refresh();
    assert.equal(asked(), 1);
    node.nodes = 4;
    await store.refresh();
    assert.equal(asked(), 2);
    for (const nodes of [15_000, 15_001]) {
      node.nodes = nodes;
      await store.refresh();
    }
    assert.equal(asked(), 2, "it was read a moment ago");
  });
});

describe("a payment", () => {
  it("is the same one when it is asked for again, if its answer was lost, and a new one if it was not", async () => {
    const keys: string[] = [];
    const answers = [
      "lost",
      { status: 503, code: "frozen" },
      {},
      { status: 422, code: "payment-failed" },
      {},
    ] as const;
    const fetch = async (_: unknown, { headers }: RequestInit = {}): Promise<Response> => {
      const answer = answers[keys.push(new Headers(headers).get("idempotency-key") ?? "") - 1];
      if (answer === "lost" || answer === undefined) throw new TypeError("fetch failed");
      if (!("status" in answer)) return Response.json({ id: "p" });
      const { status, code } = answer;
      return Response.json({ error: { code, message: "m", remedy: "r" } }, { status });
    };
    const { payKeys } = new NodeStore(createClient({ url: "http://node", fetch, retries: 0 }));
    const paid: boolean[] = [];
    for (const _ of answers)
      paid.push(
        await payKeys.pay({ to: "bc1q", amountMsat: "5000" }).then(
          () => true,
          () => false,
        ),
      );
    assert.deepEqual(paid, [false, false, true, false, true]);
    assert.deepEqual(
      keys.map((key) => keys.indexOf(key)),
      [0, 0, 0, 3, 4],
    );
    assert.notEqual(keys[0], "");
  });
});
