import assert from "node:assert/strict";
import { it } from "node:test";
import { SimulatedChain } from "@fulmen/testkit/chain";
import { SimulatedChainSource } from "@fulmen/testkit/chainSource";
import { Member } from "#src/failover/index";

it("a further source is started when it is asked first, and left alone for a while once it failed", async () => {
  const inner = new SimulatedChainSource(new SimulatedChain());
  let started = 0;
  const start = inner.start.bind(inner);
  inner.start = () => {
    started++;
    return start();
  };
  const source = new Member(inner, 30_000);
  assert.deepEqual([started, source.problem], [0, undefined]);
  await Promise.all([source.feerates(), source.feerates()]);
  assert.deepEqual([started, source.problem], [1, undefined]);
  inner.isDown = true;
  await assert.rejects(source.feerates());
  const { problem } = source;
  assert.ok(problem !== undefined && problem !== "");
  inner.isDown = false;
  await assert.rejects(source.broadcast([]), { message: problem }, "nobody asks again at once");
  await source.stop();
});
