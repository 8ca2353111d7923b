import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { txid, weight } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type FormatName, formatNames } from "@fulmen/lightning/commitment";
import { type Bytes32, msat, type PaymentHash, paymentHashOf, present, sat } from "@fulmen/lightning/util";
import { TestNetwork, type TestNode } from "@fulmen/testkit";
import { testConfig } from "@fulmen/testkit/node";

// A channel with as many HTLCs as there may be, in both directions, ends on the chain while the peers do not speak: of
// each direction the recipient claims every second one, and the others go back.

before(() => {
  installNodeCrypto();
});

/** BOLT 2: most HTLCs of one side; fewer where the commitment is limited in size (BOLT 3, "zero-fee commitments"). */
const most: Readonly<Record<FormatName, number>> = {
  "static-remotekey": 483,
  "anchors-zero-fee-htlc": 483,
  "zero-fee-commitments": 114,
};
const amount = 20_000n;

/** Pays as often as the channel takes; gives the preimages, which the recipient's user alone has. */
function fill(
  network: TestNetwork,
  from: TestNode,
  to: TestNode,
  count: number,
): ReadonlyMap<PaymentHash, Bytes32> {
  const preimages = new Map<PaymentHash, Bytes32>();
  for (let i = 0; i < count; i++) {
    const preimage = crypto().sha256(Uint8Array.of(from.nodeId.charCodeAt(5), i >> 8, i));
    const paymentHash = paymentHashOf(crypto().sha256(preimage));
    preimages.set(paymentHash, preimage as Bytes32);
    const { invoice } = to.manager.createBolt11Invoice({
      amount: msat(amount * 1_000n),
      description: "",
      paymentHash,
    });
    from.manager.payForBolt11Invoice(invoice);
  }
  network.settle();
  assert.equal(to.manager.listClaimablePayments().length, count);
  return preimages;
}

for (const format of formatNames) {
  describe(`a full ${format} channel`, () => {
    it("is settled on the chain to the last HTLC, by transactions that are relayed", (context) => {
      const started = process.cpuUsage();
      const network = new TestNetwork();
      const { channelHandshakeConfig, ...others } = testConfig;
      const wide = { announcedMaxInboundHtlcValueInFlightPercent: 100, ourMaxAcceptedHtlcs: 483 };
      const config = { ...others, channelHandshakeConfig: { ...channelHandshakeConfig, ...wide } };
      const [a, b] = [network.addNode({ config }), network.addNode({ config })];
      const link = network.connect(a, b);
      const terms = { funding: sat(40_000_000n), push: msat(20_000_000_000n), format };
      const channelId = network.openChannel(a, b, terms);
      network.giveCoins([a, b], sat(10_000_000n), 40);
      const count = most[format];
      const offered = [fill(network, a, b, count), fill(network, b, a, count)] as const;
      link.reconnects = false;
      network.cut(link);
      for (const [index, to] of [b, a].entries()) {
        const preimages = [...present(offered[index], "what was offered")];
        for (const [i, [, preimage]] of preimages.entries()) {
          if (i % 2 === 0) assert.ok(to.manager.claimFunds(preimage));
        }
      }
      network.settle();
      a.manager.forceCloseBroadcastingLatestTxn(channelId, "the peer is gone");
      network.settle();
      network.mine();
      const spend = present(a.chainMonitor.monitor(channelId)?.chain.fundingSpend, "the commitment");
      const commitment = present(network.chain.transaction(spend.txid), "A's commitment").transaction;
      assert.ok(commitment.outputs.length >= 2 * count);
      assert.ok(weight(commitment) <= 400_000, `${weight(commitment)} weight units`);
      const isOpen = (): boolean => [a, b].some((node) => node.chainMonitor.unsettledClaims().length > 0);
      for (let blocks = 0; blocks < 60 || isOpen(); blocks++) {
        assert.ok(blocks < 200, "it does not end");
        network.mine();
      }

      const claims = new Map<string, number>();
      for (const [index, output] of commitment.outputs.entries()) {
        if (output.value !== amount) continue;
        const spender = network.chain.outputSpentBy({ txid: spend.txid, index });
        assert.ok(spender?.block !== undefined, `output ${index} is not taken`);
        claims.set(txid(spender.transaction), weight(spender.transaction));
      }
      const heaviest = Math.max(...claims.values());
      assert.ok(
        heaviest <= (format === "zero-fee-commitments" ? 40_000 : 400_000),
        `${heaviest} weight units`,
      );
      for (const node of [a, b]) {
        assert.deepEqual(node.broadcaster.takeRefused(), []);
        const told = (kind: string) => node.eventList.filter((event) => event.kind === kind).length;
        assert.deepEqual(
          [told("payment-sent"), told("payment-failed"), told("payment-claimed")],
          [Math.ceil(count / 2), Math.floor(count / 2), Math.ceil(count / 2)],
        );
        assert.deepEqual(node.chainMonitor.unsettledClaims(), []);
        assert.deepEqual(node.keys.memory.violations, []);
      }
      const { user, system } = process.cpuUsage(started);
      const seconds = (user + system) / 1e6;
      context.diagnostic(
        `${2 * count} HTLCs in ${claims.size} claims, ${heaviest} weight units at most; ${seconds.toFixed(1)} s`,
      );
      assert.ok(seconds < 60, `${seconds} s`);
    });
  });
}
