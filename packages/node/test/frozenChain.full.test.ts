import assert from "node:assert/strict";
import { after, it } from "node:test";
import { MemoryStore } from "@fulmen/persist/memory";
import { SimulatedChainSource } from "@fulmen/testkit/chainSource";
import { Playfield, until } from "./support/playfield.ts";

const field = new Playfield();
after(() => field.stop());

/** Takes nothing while the disk is full. */
class FullStore extends MemoryStore {
  isFull = false;

  override async commit(...batch: Parameters<MemoryStore["commit"]>): Promise<void> {
    if (this.isFull) throw new Error("ENOSPC: no space left on device");
    await super.commit(...batch);
  }
}

it("a node whose disk is full follows the chain, by whatever source is there", async () => {
  const storage = new FullStore();
  const [first, second] = [1, 2].map(() => new SimulatedChainSource(field.chain, { pollInterval: 2 }));
  assert.ok(first && second);
  Object.assign(second, { name: "the second" });
  const node = await field.start("full", {
    storage,
    chain: first,
    furtherChains: [second],
    development: { pollInterval: 10 },
  });
  storage.isFull = true;
  await field.fund(node).catch(() => undefined);
  await until(() => node.status().phase === "frozen", "frozen");
  const isAtTip = () => node.status().chain.height === field.chain.tip.height;
  field.chain.mine(3);
  await until(isAtTip, "blocks are heard of though nothing is stored");
  first.isDown = true;
  field.chain.mine(3);
  await until(isAtTip, "by the second");
  assert.equal(node.status().chain.source, "the second");
  storage.isFull = false;
  await until(() => node.status().phase === "running", "running");
  first.isDown = false;
  await until(() => node.status().chain.source === first.name, "by the first again");
});
