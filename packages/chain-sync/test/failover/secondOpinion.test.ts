import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ChainClients, type ChainTip, FailoverSource } from "@fulmen/chain-sync";
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
async function placeAfterLooks(first: SimulatedChainSource, block?: ChainTip) {
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
  await new Promise((resolve) => setTimeout(resolve, 60));
  await source.stop();
  return { changes: changes.length, asked: asked.length };
}

describe("what another source says of outputs that count as unspent", () => {
  it("is asked for in turns, and counts when it is the same in two looks", async () => {
    const { source, asked } = showing([3, 7]);
    const opinion = new SecondOpinion();
    assert.equal(await opinion.look(source, outputs), undefined);
    assert.deepEqual(asked.splice(0), [0, 1, 2, 3, 4]);
    assert.equal(await opinion.look(source, outputs), chain.tip);
    assert.deepEqual(asked.splice(0), [3, 5, 6, 7, 8, 9]);
    assert.equal(await opinion.look(source, outputs.toSpliced(3, 1)), chain.tip, "7 is left");
    assert.equal(await opinion.look(source, outputs.slice(0, 3)), undefined);
    assert.equal(await opinion.look(source, []), undefined);
  });

  it("is no reason to change where the block is none of the chain, or whole blocks were told", async () => {
    const { source: quiet } = showing([]);
    const found = await placeAfterLooks(quiet);
    assert.ok(found.changes > 0);
    const made = { height: chain.tip.height, hash: "11".repeat(32) as BlockHash };
    const other = await placeAfterLooks(showing([]).source, made);
    assert.equal(other.changes, 0);
    assert.ok(other.asked > 5);
    const whole = new SimulatedChainSource(chain, { pollInterval: 1 });
    assert.deepEqual(await placeAfterLooks(whole), { changes: 0, asked: 0 });
  });
});
