import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { equalBytes } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import type { ChainSource } from "@fulmen/chain-sync";
import { feeratePerKw, sat } from "@fulmen/lightning/util";
import { ElectrumServer } from "@fulmen/testkit/electrum";
import { createFundedChain, Faucet } from "@fulmen/testkit/wallet";
import { RecordingFollower } from "../transactions/recordingFollower.ts";
import { clientsOf, scene } from "./scene.ts";

/** Transactions of one script that the server tells of. */
const maxHistory = 5;

/** A chain in which somebody pays to a script so often that the server gives up, and to another one as usual. */
function world() {
  const { chain, faucet } = createFundedChain({ coins: 20 });
  const server = new ElectrumServer(chain, { limits: { maxHistory } });
  const patient = new ElectrumServer(chain);
  const [attacked, other] = [new Faucet(77).script, new Faucet(78).script];
  const pay = (script: Uint8Array, times = 1): Transaction => {
    let last: Transaction | undefined;
    for (let i = 0; i < times; i++) {
      last = faucet.fund(chain, [{ value: sat(1_000), script }], feeratePerKw(1_000));
      assert.ok(chain.submit(last).ok);
    }
    chain.mine();
    for (const each of [server, patient]) each.update();
    assert.ok(last);
    return last;
  };
  return { server, patient, attacked, other, pay };
}

const gapsOf = ({ gaps = [] }: ChainSource) => gaps.map(({ script, use }) => [use, script]);

describe("an Electrum server that gives up on a script's history", () => {
  it("keeps nothing else from a wallet, which is told what may be missing", () =>
    scene(async (it) => {
      const { server, attacked, other, pay } = world();
      const source = it.source([(await it.serve(server)).url], { pollInterval: 10 });
      const follower = new RecordingFollower();
      const clients = clientsOf(follower, [attacked, other]);
      const first = pay(attacked);
      await source.start();
      await source.sync(clients);
      assert.ok(follower.confirmed.has(txidOf(first)));
      assert.deepEqual(gapsOf(source), []);
      // It says by itself that the script has no history any more, and refuses it when it is asked.
      pay(attacked, maxHistory);
      const usual = pay(other);
      await source.changed(AbortSignal.timeout(5_000));
      await source.sync(clients);
      assert.ok(follower.confirmed.has(txidOf(first)), "what was known stays");
      assert.ok(follower.confirmed.has(txidOf(usual)), "what is paid elsewhere is told");
      assert.deepEqual(gapsOf(source), [["wallet", attacked]]);
      const later = pay(other);
      await source.sync(clients);
      assert.ok(follower.confirmed.has(txidOf(later)));
      assert.deepEqual(gapsOf(source), [["wallet", attacked]]);
    }));

  it("is left for one that does not, if it is about a channel's output, and borne with if there is none", () =>
    scene(async (it) => {
      const { server, patient, attacked, other, pay } = world();
      const funding = pay(attacked, maxHistory + 1);
      const index = funding.outputs.findIndex(({ script }) => equalBytes(script, attacked));
      const urls = [(await it.serve(server)).url, (await it.serve(patient)).url];
      for (const [servers, gaps] of [
        [urls, []],
        [urls.slice(0, 1), [["output", attacked]]],
      ] as const) {
        const source = it.source(servers);
        source.filter.registerOutput({ outPoint: { txid: txidOf(funding), index }, script: attacked });
        const follower = new RecordingFollower();
        const clients = clientsOf(follower, [other]);
        await source.start();
        if (servers.length > 1) await assert.rejects(source.sync(clients), { code: "unsupported" });
        await source.sync(clients);
        assert.deepEqual(gapsOf(source), gaps);
        const usual = pay(other);
        await source.sync(clients);
        assert.ok(follower.confirmed.has(txidOf(usual)));
      }
    }));
});
