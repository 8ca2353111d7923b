import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Playfield, until } from "./support/playfield.ts";

const field = new Playfield();
after(() => field.stop());

test("an address at which a peer was never reached takes no place of one that worked", async () => {
  const alice = await field.start("alice");
  const bob = await field.start("bob");
  await alice.connect(bob.uri);
  const addressOfBob = () => alice.peers()[0]?.address;
  assert.equal(addressOfBob(), bob.uri.split("@")[1]);
  const wrong = `${bob.nodeId}@127.0.0.1:1`;
  const view = await alice.connect(wrong);
  assert.equal(view.isConnected, true);
  assert.equal(addressOfBob(), bob.uri.split("@")[1]);
  await bob.disconnect(alice.nodeId).catch(() => undefined);
  await until(() => alice.peers()[0]?.isConnected === true, "connected again");
});
