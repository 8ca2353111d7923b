// timeout: 30 s
import assert from "node:assert/strict";
import { it } from "node:test";
import type { ChainSource } from "@fulmen/chain-sync";
import type { KVStore } from "@fulmen/lightning/chain";
import { Node } from "@fulmen/node";
import { MemoryStore } from "@fulmen/persist/memory";
import { SimulatedChainSource } from "@fulmen/testkit/chainSource";
import { Playfield } from "../support/playfield.ts";

/** A source that dies after so many blocks, and counts those it told of: each one to the wallet, and to all others. */
function mortalSource(
  field: Playfield,
  most: number,
): { readonly source: ChainSource; readonly told: () => number } {
  const source = new SimulatedChainSource(field.chain, { pollInterval: 2 });
  let told = 0;
  const sync = source.sync.bind(source);
  source.sync = (clients, progress) => {
    const paced = async (): Promise<void> => {
      told++;
      await clients.paced?.();
      if (told === most) throw new Error("the process died");
    };
    return sync({ ...clients, paced }, progress);
  };
  return { source, told: () => told };
}

/** Stays as it is when the node closes it: what is in it survives the process. */
function surviving(): KVStore {
  const store = new MemoryStore();
  store.close = () => Promise.resolve();
  return store;
}

it("a node that dies in the middle of a long catch-up goes on from there", async () => {
  const field = new Playfield();
  const storage = surviving();
  const node = await field.start("alice", { storage });
  await node.stop();
  field.chain.mine(250);
  const first = mortalSource(field, 480);
  await assert.rejects(
    Node.create(field.options("alice", { storage, chain: first.source })),
    /the process died/,
  );
  const second = mortalSource(field, Number.POSITIVE_INFINITY);
  const again = await Node.create(field.options("alice", { storage, chain: second.source }));
  assert.equal(again.status().chain.height, field.chain.tip.height);
  await again.stop();
  assert.ok(second.told() < 120, `${second.told()} blocks anew`);
});
