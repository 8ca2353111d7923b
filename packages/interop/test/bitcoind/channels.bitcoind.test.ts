import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { OutPoint } from "@fulmen/bitcoin/primitives";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type FormatName, formatNames } from "@fulmen/lightning/commitment";
import { type ChannelId, msat, sat } from "@fulmen/lightning/util";
import { TestNetwork, type TestNode } from "@fulmen/testkit";
import { createFundedBitcoindChain } from "#src/bitcoind/index";

installNodeCrypto();

// Two of our nodes, whose blocks and mempool are Bitcoin Core's.

interface Pair {
  readonly network: TestNetwork;
  readonly a: TestNode;
  readonly b: TestNode;
  readonly channelId: ChannelId;
}

/** A channel of 500,000 sat, of which the other side has 100,000, after a payment of 1,000 sat each way. */
async function openAndPay(t: TestContext, format: FormatName): Promise<Pair> {
  const funded = await createFundedBitcoindChain();
  t.after(() => funded.chain.stop());
  const network = new TestNetwork({ funded });
  const [a, b] = [network.addNode(), network.addNode()];
  network.connect(a, b);
  const channelId = network.openChannel(a, b, { funding: sat(500_000n), push: msat(100_000_000n), format });
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    network.payInvoice(from, to, msat(1_000_000n));
    assert.equal(countOf(from, "payment-sent"), 1);
    assert.equal(countOf(to, "payment-claimed"), 1);
  }
  assert.equal(b.manager.listChannels()[0]?.localBalance, 100_000_000n);
  return { network, a, b, channelId };
}

function countOf({ eventList }: TestNode, kind: TestNode["eventList"][number]["kind"]): number {
  return eventList.filter((event) => event.kind === kind).length;
}

function fundingOf({ a }: Pair): OutPoint {
  const pending = a.eventList.find((event) => event.kind === "channel-pending");
  assert.ok(pending?.kind === "channel-pending");
  return pending.funding;
}

/** Nothing that the nodes sent out was refused, and they saw nothing odd. */
function checkQuiet(...nodes: readonly TestNode[]): void {
  for (const { log, broadcaster } of nodes) {
    assert.deepEqual(broadcaster.takeRefused(), []);
    assert.deepEqual(
      log.filter(({ level }) => level === "warn" || level === "error").map(({ text }) => text),
      [],
    );
  }
}

for (const format of formatNames) {
  describe(`a ${format} channel on Bitcoin Core's chain`, () => {
    it("opens, pays both ways and closes in agreement", async (t) => {
      const pair = await openAndPay(t, format);
      const { network, a, b, channelId } = pair;
      b.manager.closeChannel(channelId);
      network.settle();
      network.mine();
      const { chain } = network;
      const spender = chain.outputSpentBy(fundingOf(pair));
      assert.equal(spender?.block, chain.tip);
      const [toA = 0n] = chain.coins(a.keys.shutdownScript()).map(({ output }) => output.value);
      const toB = chain.coins(b.keys.shutdownScript()).map(({ output }) => output.value);
      assert.deepEqual(toB, [100_000n]);
      assert.ok(toA > 398_000n && toA < 400_000n, `${toA}`);
      checkQuiet(a, b);
    });

    it("goes on after a reorg of blocks above its funding", async (t) => {
      const pair = await openAndPay(t, format);
      const { network, a, b } = pair;
      const { chain } = network;
      const funding = fundingOf(pair);
      const confirmations = chain.confirmations(funding.txid);
      assert.equal(chain.reorg(2).disconnected.length, 2);
      network.mine();
      assert.equal(chain.confirmations(funding.txid), confirmations + 2);
      network.payInvoice(a, b, msat(2_000_000n));
      assert.equal(countOf(b, "payment-claimed"), 2);
      checkQuiet(a, b);
    });
  });
}
