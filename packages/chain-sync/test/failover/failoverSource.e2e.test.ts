import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { txid as txidOf } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { feeratePerKw, sat } from "@fulmen/lightning/util";
import { createFundedChain, Faucet, inputOf } from "@fulmen/testkit/wallet";
import { changesBetween, followings } from "./following.ts";
import type { Protocol } from "./servedChains.ts";

installNodeCrypto();

const following = followings();
const all: readonly Protocol[] = ["bitcoind", "esplora", "electrum"];

describe("several chain sources as one", () => {
  changesBetween(following, [
    ["bitcoind", "electrum"],
    ["electrum", "esplora"],
  ]);

  it("goes back by no block for a shorter branch, and takes the longer one, from whoever has it", async () => {
    for (const protocols of [all, all.toReversed()]) {
      const it = await following(protocols);
      await it.begin();
      const fork = it.height;
      // Three branches: of four blocks, two and five.
      const best = it.mine(4, [0]);
      await it.until("the first one's branch", () => it.synced === best);
      it.server(1).chain.reorg(1, { length: 3 });
      it.server(1).update();
      await it.server(0).close();
      await new Promise((resolve) => setTimeout(resolve, 400));
      assert.equal(it.height, best, "a shorter branch is not taken, though nobody else answers");
      it.server(2).chain.reorg(1, { length: 6 });
      it.server(2).update();
      await it.until("the longer branch", () => it.height === fork + 5);
      assert.equal(it.follower.position()?.hash, it.server(2).chain.tip.hash);
      assert.ok(it.isBy(2));
    }
  });

  it("starts with one that is down, one of another chain, and one that hangs", async () => {
    const it = await following(["esplora", "electrum", "bitcoind"]);
    await it.server(0).close();
    it.server(1).hangs = true;
    await it.begin();
    assert.ok(it.isBy(2));
    assert.match(it.source.members[0]?.problem ?? "", /does not answer/);
    assert.match(it.source.members[1]?.problem ?? "", /does not answer in time/);
  });

  it("says what is wrong when there is none, and goes on when there is one again", async () => {
    const it = await following(all);
    await it.begin();
    for (const each of it.servers) await each.close();
    await it.until("failures", () => it.failures.length > 0);
    const next = it.mine(1);
    await it.server(1).listen();
    await it.until("the block", () => it.height === next);
    assert.ok(it.isBy(1));
  });

  it("hears of a payment again that a reorganisation undid while another source told", async () => {
    const { faucet } = createFundedChain();
    const { script } = new Faucet(77);
    const it = await following(["electrum", "bitcoind"], { scripts: [script] });
    await it.begin();
    const pay = faucet.fund(it.server(0).chain, [{ value: sat(50_000), script }], feeratePerKw(1_000));
    for (const each of it.servers) assert.ok(each.chain.submit(pay).ok);
    it.mine(1);
    const isConfirmed = () => it.follower.confirmed.has(txidOf(pay));
    await it.until("the payment", isConfirmed);
    // The second source's branch has it nowhere; then the first one's, which is longer again, has it where it was.
    await it.server(0).close();
    it.server(1).chain.reorg(1, { length: 2 });
    it.server(1).update();
    await it.until("the payment is undone", () => !isConfirmed());
    it.server(0).chain.mine(2);
    await it.server(0).listen();
    await it.until("the payment again", () => isConfirmed() && it.height === it.server(0).chain.tip.height);
  });

  it("hears from another one of a spend that the one in use hides", async () => {
    for (const second of ["electrum", "esplora"] as const) {
      const changes: string[] = [];
      const it = await following(["esplora", second], { changed: (text) => changes.push(text) });
      const [owner, { faucet }] = [new Faucet(78), createFundedChain()];
      const output = { value: sat(50_000), script: owner.script };
      const funding = faucet.fund(it.server(0).chain, [output], feeratePerKw(1_000));
      const outPoint = { txid: txidOf(funding), index: 0 };
      const spend = owner.spend([{ input: inputOf(outPoint), output }], [{ ...output, value: sat(40_000) }]);
      const isTold = () => it.follower.confirmed.has(txidOf(spend));
      it.source.filter.registerOutput({ outPoint, script: owner.script });
      it.unspent = () => (isTold() ? [] : [{ outPoint, script: owner.script }]);
      it.server(0).hidesSpends = true;
      await it.begin();
      for (const transaction of [funding, spend]) {
        for (const { chain } of it.servers) assert.ok(chain.submit(transaction).ok);
        const next = it.mine(1);
        await it.until("the block", () => it.height === next);
      }
      await it.until("the spend", isTold);
      assert.match(changes[0] ?? "", /: esplora at .* hides that block \d+ spends a channel's output$/);
      await it.until("the first has its place back", () => it.isBy(0));
      assert.equal(changes.length, 2);
    }
  });
});
