import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ChainClients, type ChainSource, type ChainTip, FailoverSource } from "@fulmen/chain-sync";
import { WatchList } from "@fulmen/chain-sync/transactions";
import type { BlockHash, Txid } from "@fulmen/lightning/util";
import { SimulatedChainSource } from "@fulmen/testkit/chainSource";
import { createFundedChain } from "@fulmen/testkit/wallet";
import { SecondOpinion } from "#src/failover/secondOpinion";
import { RecordingFollower } from "../transactions/recordingFollower.ts";

const outputs = Array.from({ length: 12 }, (_, n) => ({
  outPoint: { txid: n.toString(16).padStart(64, "0") as Txid, index: n },
  script: Uint8Array.of(n),
}));
const { chain } = createFundedChain();

/** A source that shows the same spend of some outputs. */
function showing(spent: readonly number[], block: ChainTip = chain.tip) {
  const asked: number[] = [];
  const source = Object.assign(new SimulatedChainSource(chain, { pollInterval: 1 }), {
    filter: new WatchList(),
    blockOfSpend: async ({ outPoint: { index } }: (typeof outputs)[number]) => {
      asked.push(index);
      return spent.includes(index) ? block : undefined;
    },
  });
  return { source, asked };
}

/** Who has the place after many looks, where the second shows a spend, and what the second was asked for. */
async function placeAfterLooks(first: ChainSource, block?: ChainTip, changesUntil = 0) {
  const { source: second, asked } = showing([3], block);
  const changes: string[] = [];
  const source = new FailoverSource({
    ...{ network: "regtest", sources: [first, second], patience: 5_000, lookInterval: 2 },
    changed: (text) => changes.push(text),
  });
  const clients: ChainClients = {
    ...{ followers: [new RecordingFollower(chain.locator())], mempool: [], scripts: [] },
    unspent: () => outputs,
  };
  await source.start();
  await source.sync(clients);
  const end = performance.now() + 5_000;
  const isDone = () => changes.length >= changesUntil && (first.filter === undefined || asked.length > 20);
  while (!isDone() && performance.now() < end) await pause(2);
  await pause(40);
  await source.stop();
  return { changes: changes.length, asked: asked.length };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

describe("what another source says of outputs that count as unspent", () => {
  it("is asked for in turns, and counts when it is the same in two looks", async () => {
    const { source, asked } = showing([3, 7]);
    const opinion = new SecondOpinion();
    assert.equal(await opinion.look(source, outputs), undefined);
    assert.deepEqual(asked.splice(0), [0, 1, 2, 3, 4]);
    assert.deepEqual(await opinion.look(source, outputs), { output: outputs[3], block: chain.tip });
    assert.deepEqual(asked.splice(0), [3, 5, 6, 7, 8, 9]);
    opinion.heardOut(outputs[3] as (typeof outputs)[number]);
    assert.deepEqual(await opinion.look(source, outputs), { output: outputs[7], block: chain.tip });
    assert.equal(await opinion.look(source, outputs.slice(0, 3)), undefined);
    assert.equal(await opinion.look(source, []), undefined);
  });

  it("is no reason to change where the block is none of the chain, or whole blocks were told", async () => {
    const { source: quiet } = showing([]);
    const found = await placeAfterLooks(quiet, chain.tip, 2);
    // It is heard out once: another one's place for good it does not get by that.
    assert.equal(found.changes, 2);
    const made = { height: chain.tip.height, hash: "11".repeat(32) as BlockHash };
    const other = await placeAfterLooks(showing([]).source, made);
    assert.equal(other.changes, 0);
    assert.ok(other.asked > 20);
    const whole = new SimulatedChainSource(chain, { pollInterval: 1 });
    assert.deepEqual(await placeAfterLooks(whole), { changes: 0, asked: 0 });
  });
});
