import assert from "node:assert/strict";
import { after, test } from "node:test";
import { defaultUserConfig } from "@fulmen/lightning/channel";
import { present, sat } from "@fulmen/lightning/util";
import { Playfield, until } from "./support/playfield.ts";

const field = new Playfield();
after(() => field.stop());

test("a channel is announced with its ends, and forgotten by strangers when the chain has shown its end", async () => {
  const { channelHandshakeConfig } = defaultUserConfig;
  const config = { channelHandshakeConfig: { ...channelHandshakeConfig, announceForForwarding: true } };
  const announced = { config, announceAddresses: ["node.example:9735", "[::1]:9735", "127.0.0.1:9735"] };
  const alice = await field.start("alice", announced);
  const bob = await field.start("bob", announced);
  await field.fund(alice);
  await field.fund(bob);
  const opening = alice.openChannel({ peer: bob.uri, amount: sat(1_000_000), untilUsable: true });
  await until(() => field.chain.mempool.length > 0, "the funding");
  await field.mine(6);
  await opening;
  await field.mine(1);
  await until(
    () => [alice, bob].every((node) => node.status().graph.channels === 1 && node.status().graph.nodes === 2),
    "both know of the channel and its ends",
  );
  const channel = present(alice.channels()[0], "the channel");
  assert.equal(channel.isAnnounced, true);

  const carol = await field.start("carol");
  await carol.connect(bob.uri);
  const known = () => carol.status().graph.channels;
  await until(() => known() === 1, "carol knows of the channel");
  await alice.closeChannel(channel.channelId);
  await until(() => field.chain.mempool.length > 0, "the closing");
  await field.mine(72);
  assert.equal(known(), 1, "it may have been a splice");
  await field.mine(1);
  await until(() => known() === 0, "carol forgets the channel");
});
