import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { OutPoint } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type FormatName, formatNames } from "@fulmen/lightning/commitment";
import { type Bytes32, msat, type PaymentHash, present, sat } from "@fulmen/lightning/util";
import { TestNetwork, type TestNode } from "@fulmen/testkit";
import { createFundedBitcoindChain } from "#src/bitcoind/index";

installNodeCrypto();

// Channels that end on Bitcoin Core's chain without agreement: every transaction of ours passes its policy.

const amounts = [20_000_000n, 30_000_000n];

/** Two nodes with coins, a channel, and HTLCs from A that B holds; then their connection is gone. */
class Parting {
  readonly network: TestNetwork;
  readonly a: TestNode;
  readonly b: TestNode;
  readonly hashes: readonly PaymentHash[];
  readonly #funding: OutPoint;

  static async begin(t: TestContext, format: FormatName): Promise<Parting> {
    const funded = await createFundedBitcoindChain();
    t.after(() => funded.chain.stop());
    return new Parting(new TestNetwork({ funded }), format);
  }

  private constructor(network: TestNetwork, format: FormatName) {
    this.network = network;
    this.a = network.addNode();
    this.b = network.addNode();
    const link = network.connect(this.a, this.b);
    network.openChannel(this.a, this.b, { funding: sat(1_000_000n), push: msat(400_000_000n), format });
    network.giveCoins([this.a, this.b], sat(100_000n), 3);
    network.claims(this.b, "hold");
    this.hashes = amounts.map((amount) => network.payInvoice(this.a, this.b, msat(amount)));
    link.reconnects = false;
    network.cut(link);
    const pending = this.a.eventList.find((event) => event.kind === "channel-pending");
    assert.ok(pending?.kind === "channel-pending");
    this.#funding = pending.funding;
  }

  close(node: TestNode): void {
    const [channel] = node.manager.listChannels();
    node.manager.forceCloseBroadcastingLatestTxn(
      present(channel, "the channel").channelId,
      "the peer is gone",
    );
    this.network.settle();
  }

  claimAll(): void {
    for (const hash of this.hashes) {
      const event = this.b.eventList.find(
        (one) => one.kind === "payment-claimable" && one.paymentHash === hash,
      );
      assert.ok(event?.kind === "payment-claimable");
      this.b.manager.claimFunds(present(event.purpose.paymentPreimage, "a preimage") as Bytes32);
    }
    this.network.settle();
  }

  /** The commitment, which must be confirmed. */
  get commitment(): Transaction {
    const spender = this.network.chain.outputSpentBy(this.#funding);
    assert.ok(spender?.block !== undefined, "the commitment is confirmed");
    return spender.transaction;
  }

  /** How many of the commitment's outputs of the HTLCs' amounts are spent in blocks. */
  get spentHtlcs(): number {
    const id = txid(this.commitment);
    const htlcs = [...this.commitment.outputs.entries()].filter(([, { value }]) =>
      amounts.includes(value * 1000n),
    );
    assert.equal(htlcs.length, amounts.length);
    return htlcs.filter(([index]) => this.network.chain.outputSpentBy({ txid: id, index })?.block).length;
  }

  count(node: TestNode, kind: TestNode["eventList"][number]["kind"]): number {
    return node.eventList.filter((event) => event.kind === kind).length;
  }

  /** Nothing was refused but commitments that cannot go alone. */
  checkRefused(): void {
    for (const { broadcaster } of [this.a, this.b]) {
      const refused = broadcaster.takeRefused().filter(({ type }) => type !== "unilateral-close");
      assert.deepEqual(refused, []);
    }
  }
}

for (const format of formatNames) {
  describe(`a ${format} channel closed by one side on Bitcoin Core's chain`, () => {
    for (const closer of ["a", "b"] as const) {
      const whose = closer === "b" ? "its own" : "the payer's";
      it(`lets the payee claim on ${whose} commitment`, async (t) => {
        const parting = await Parting.begin(t, format);
        parting.close(parting[closer]);
        parting.claimAll();
        parting.network.mine(3);
        assert.equal(parting.spentHtlcs, amounts.length);
        assert.equal(parting.count(parting.a, "payment-sent"), amounts.length);
        parting.checkRefused();
      });

      it(`lets the payer take back on ${closer === "a" ? "its own" : "the payee's"} commitment`, async (t) => {
        const parting = await Parting.begin(t, format);
        parting.close(parting[closer]);
        const most = 200;
        for (let mined = 0; mined < most; mined++) {
          parting.network.mine();
          if (parting.spentHtlcs === amounts.length) break;
        }
        assert.equal(parting.spentHtlcs, amounts.length);
        parting.network.mine(6);
        assert.equal(parting.count(parting.a, "payment-failed"), amounts.length);
        parting.checkRefused();
      });
    }
  });
}
