import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { txid as txidOf } from "@fulmen/bitcoin/transaction";
import { TransactionSync, WatchList } from "@fulmen/chain-sync/transactions";
import { blockHeight, feeratePerKw, present, sat } from "@fulmen/lightning/util";
import { createFundedChain } from "@fulmen/testkit/wallet";
import { HeaderChain } from "#src/transactions/headerChain";
import { RecordingFollower } from "./recordingFollower.ts";
import { SimulatedClient } from "./simulatedClient.ts";

const network = networks.regtest;

/** A chain with a watched output that is 150 blocks old, and what a sync tells of it after a start. */
function world() {
  const { chain, faucet } = createFundedChain({ coins: 5 });
  const script = faucet.script;
  const pay = () => faucet.fund(chain, [{ value: sat(1_000_000), script }], feeratePerKw(1_000));
  const funding = pay();
  assert.ok(chain.submit(funding).ok);
  chain.mine(150);
  const outPoint = { txid: txidOf(funding), index: 0 };
  return {
    chain,
    /** A new start at the follower's position; `kept` is of the one before. */
    async start(follower: RecordingFollower, kept?: Uint8Array) {
      const client = new SimulatedClient(chain);
      const watch = new WatchList();
      watch.registerOutput({ outPoint, script });
      const sync = new TransactionSync({ client, network, watch, retryDelay: 1 });
      const recalled = kept && sync.recall(kept);
      await sync.sync({ followers: [follower], mempool: [], scripts: [] });
      const headers = client.take("headers");
      return { headers, recalled, lines: follower.take(), kept: present(sync.keptHeaders(), "headers") };
    },
  };
}

describe("headers of an earlier start", () => {
  it("are not asked for again, and lead to the same", async () => {
    const { chain, start } = world();
    const before = chain.locator();
    const first = await start(new RecordingFollower(before));
    assert.ok(first.headers >= 15, "ten to an answer");
    chain.mine(3);
    const without = await start(new RecordingFollower(before));
    const again = await start(new RecordingFollower(before), first.kept);
    assert.equal(again.recalled, before.height);
    assert.equal(again.headers, 1);
    assert.deepEqual(again.lines, without.lines);
    assert.ok(again.lines.length > 1);
  });

  it("are left where the chain was reorganised meanwhile", async () => {
    const { chain, start } = world();
    chain.mine(2);
    const before = chain.locator();
    const { kept } = await start(new RecordingFollower(before));
    chain.reorg(5);
    chain.mine(1);
    const without = await start(new RecordingFollower(before));
    const again = await start(new RecordingFollower(before), kept);
    assert.deepEqual(again.lines, without.lines);
    assert.match(again.lines[0] ?? "", /^fork/);
    assert.equal(again.headers, 1);
    assert.equal((await start(new RecordingFollower(chain.locator()), again.kept)).headers, 0);
  });

  it("keep nobody from a server whose chain they contradict", async () => {
    const { chain } = createFundedChain();
    const { header, height } = await new SimulatedClient(chain).tip();
    const hard = { ...header, bits: 0x1f00_ffff };
    const headers = new HeaderChain(new SimulatedClient(chain), network);
    headers.recall([{ header: hard, hash: chain.tip.hash, height: blockHeight(height - 1) }]);
    const top = await headers.moveTo({ header, height }, []);
    assert.equal(top.hash, chain.tip.hash);
    assert.deepEqual(headers.row, [top]);
  });
});
