import assert from "node:assert/strict";
import { msat, sat } from "@fulmen/lightning/util";
import type { Node, NodeOptions } from "@fulmen/node";
import { type Playfield, until } from "./playfield.ts";

/** Alice with a channel of 1,000,000 sat to bob, who has 200,000 sat of it, and with a coin that is older than that. */
export async function channelToBob(field: Playfield, more: Partial<NodeOptions> = {}) {
  const alice = await field.start("alice", more);
  const bob = await field.start("bob");
  await field.fund(alice, sat(50_000));
  await field.mine(10);
  await field.fund(alice);
  await field.fund(bob);
  await usableChannel(field, alice, bob);
  const { invoice } = await bob.receive({ amount: msat(200_000_000) });
  await alice.pay(invoice);
  await until(() => alice.channels().every(({ htlcs }) => htlcs.length === 0), "the end of the HTLC");
  return { alice, bob };
}

/** A channel of 1,000,000 sat. */
export async function usableChannel(field: Playfield, from: Node, to: Node): Promise<void> {
  const opening = from.openChannel({ peer: to.uri, amount: sat(1_000_000), untilUsable: true });
  await until(() => field.chain.mempool.length > 0, "the funding");
  await field.mine(6);
  await opening;
}

/** Mines until a restored node has what its peers closed: all of `before`, in millisatoshis, but for fees. */
export async function paidOut(field: Playfield, restored: Node, before: bigint): Promise<void> {
  const done = () =>
    restored.channels().every(({ closing }) => closing.some(({ state }) => state === "closed"));
  for (let blocks = 0; blocks < 30 && !done(); blocks++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await field.mine(1);
  }
  assert.ok(done(), "a channel is not closed");
  for (let blocks = 0; blocks < 10; blocks++) await field.mine(1);
  await until(() => restored.balances().closing.length === 0, "the share is in the wallet");
  const lost = before - restored.balances().total;
  assert.ok(lost >= 0n && lost < 5_000_000n, `${lost} msat went to fees`);
}
