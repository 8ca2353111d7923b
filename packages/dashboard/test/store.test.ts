import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createClient } from "@fulmen/client";
import { NodeStore } from "#src/model/store";

/** A node that counts what it is asked, and refuses when it is told to. */
function double() {
  const asked: string[] = [];
  const node = { asked, isRefusing: false };
  const fetch = async (input: string | URL | Request): Promise<Response> => {
    const path = String(input).replace(/^http:\/\/node|\?.*$/g, "");
    asked.push(path);
    if (node.isRefusing) {
      const error = { code: "token-expired", message: "The token expired.", remedy: "Make another." };
      return Response.json({ error }, { status: 401 });
    }
    const lists = { channels: [{ peer: "bob" }], payments: [], peers: [], entries: [{ index: 1 }] };
    return Response.json({ lastEventIndex: 0, ...lists });
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
});
