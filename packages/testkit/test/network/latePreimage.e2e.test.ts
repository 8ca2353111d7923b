import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type FormatName, formatNames } from "@fulmen/lightning/commitment";
import { type ChannelId, equalBytes, msat, present, sat, type Txid } from "@fulmen/lightning/util";
import { TestNetwork, type TestNode, testConfig } from "@fulmen/testkit";

before(() => {
  installNodeCrypto();
});

const amount = 60_000n;
const config = { ...testConfig, acceptTrampolineForwards: true };

/**
 * A paid C by B, who forwards or is asked to find the way to C, and nobody has answered: both channels are on the
 * chain, B's HTLC from A has expired and was given up upstream, and A's transaction that takes it back waits in the
 * mempool. Only now B sees the preimage.
 */
class Late {
  readonly network = new TestNetwork();
  readonly a = this.network.addNode({ config });
  readonly b = this.network.addNode({ config });
  readonly c = this.network.addNode({ config });
  readonly ab: ChannelId;
  readonly preimage: Uint8Array;
  readonly expiry: number;

  constructor(format: FormatName, { isRelayed = false } = {}) {
    const { network, a, b, c } = this;
    const terms = { funding: sat(500_000n), push: msat(100_000_000n), format };
    network.connect(a, b);
    network.connect(b, c);
    this.ab = network.openChannel(a, b, terms);
    const bc = network.openChannel(b, c, terms);
    network.giveCoins([a, b], sat(200_000n));
    network.claims(c, "hold");
    const paid = { amount: msat(amount * 1_000n), description: "late" };
    const { invoice } = c.manager.createBolt11Invoice(paid);
    a.manager.payForBolt11Invoice(invoice, isRelayed ? { trampolines: [{ nodeId: b.nodeId }] } : {});
    network.settle();
    const [payment] = c.manager.listClaimablePayments();
    this.preimage = present(payment?.purpose.paymentPreimage, "a payment to claim");
    const htlc = b.chainMonitor.monitor(this.ab)?.rows.find((row) => row.htlc.direction === "incoming")?.htlc;
    this.expiry = present(htlc, "an HTLC from A").cltvExpiry;
    for (const link of network.links) {
      link.reconnects = false;
      network.cut(link);
    }
    b.manager.forceCloseBroadcastingLatestTxn(bc, "the peer is gone");
    network.settle();
    this.mine(1);
    // Nothing that would settle the HTLC downstream is confirmed.
    this.mine(this.expiry + 3 - this.height, []);
    // A publishes, and what it takes back goes to the mempool.
    this.mine(1);
    assert.equal(this.#spender()?.block, undefined);
    assert.equal(this.taker, "A", "A takes nothing back");
  }

  get height(): number {
    return this.network.chain.locator().height;
  }

  /** Who has spent the HTLC on A's commitment, in a block or the mempool: A after its expiry, or B by the preimage. */
  get taker(): "A" | "B" | "nobody" {
    const spender = this.#spender();
    if (spender === undefined) return "nobody";
    return this.shows(spender.transaction) ? "B" : "A";
  }

  shows({ inputs }: Transaction): boolean {
    return inputs.some(({ witness }) => witness.some((item) => equalBytes(item, this.preimage)));
  }

  /** Whether that is confirmed. */
  get isTaken(): boolean {
    return this.#spender()?.block !== undefined;
  }

  /** What the transaction that took it pays to miners. */
  get fee(): bigint {
    return this.network.chain.feeOf(txid(present(this.#spender(), "a spender").transaction)) ?? 0n;
  }

  /** B sees the preimage in a transaction that is not confirmed. */
  show(): void {
    const witness = [new Uint8Array(72), this.preimage, new Uint8Array(133)];
    const outPoint = { txid: "77".repeat(32) as Txid, index: 0 };
    const inputs = [{ outPoint, scriptSig: new Uint8Array(0), sequence: 0, witness }];
    this.b.manager.transactionSeen({ version: 2, inputs, outputs: [], locktime: 0 });
    this.network.settle();
  }

  told(node: TestNode, kind: "payment-sent" | "payment-failed" | "payment-forwarded"): number {
    return node.eventList.filter((event) => event.kind === kind).length;
  }

  /** Blocks of `only` these, or of all that waits. */
  mine(count: number, only?: readonly Txid[]): void {
    for (let i = 0; i < count; i++) {
      this.network.chain.mine(1, only === undefined ? {} : { only });
      for (const node of this.network.nodes) node.syncChain();
      this.network.settle();
    }
  }

  #spender() {
    const { chain } = this.network;
    const spend = present(this.b.chainMonitor.monitor(this.ab)?.chain.fundingSpend, "A's commitment");
    const htlc = spend.outputs.find((output) => output.kind === "counterparty-htlc");
    return chain.outputSpentBy(present(htlc, "an HTLC on A's commitment").outPoint);
  }
}

for (const format of formatNames) {
  describe(`a preimage that is seen after the expiry of an HTLC on a ${format} channel`, () => {
    for (const restarts of [false, true]) {
      it(`takes it while the payer's own claim is not confirmed${restarts ? ", over restarts" : ""}`, () => {
        const late = new Late(format);
        const { network, a, b } = late;
        late.show();
        if (restarts) network.crash(b);
        // The payer's transaction pays more at first, and waits: miners take the one that pays most.
        for (let blocks = 0; late.taker !== "B"; blocks++) {
          assert.ok(blocks < 12, "B does not outbid A");
          late.mine(1, []);
          if (restarts) network.crash(b);
        }
        assert.ok(late.fee <= amount, `${late.fee} sat for ${amount}`);
        late.mine(1);
        assert.ok(late.isTaken && late.taker === "B");
        late.mine(6);
        assert.deepEqual([late.told(a, "payment-sent"), late.told(a, "payment-failed")], [1, 0]);
        assert.equal(late.told(b, "payment-forwarded"), 1);
      });
    }

    it("costs nothing where the payer's claim is confirmed first", () => {
      const late = new Late(format);
      const { a, b } = late;
      late.mine(1);
      assert.ok(late.isTaken && late.taker === "A");
      late.show();
      late.mine(8);
      assert.equal(late.told(a, "payment-failed"), 1);
      assert.ok(!b.broadcasts.some(({ transaction }) => late.shows(transaction)), "B claims what is gone");
      assert.deepEqual(b.keys.memory.violations, []);
    });
  });
}

describe("a preimage that a trampoline node sees after the expiry of what it relays", () => {
  it("takes it while the payer's own claim is not confirmed", () => {
    const late = new Late("anchors-zero-fee-htlc", { isRelayed: true });
    late.show();
    late.network.crash(late.b);
    for (let blocks = 0; late.taker !== "B"; blocks++) {
      assert.ok(blocks < 12, "B does not outbid A");
      late.mine(1, []);
    }
    late.mine(7);
    assert.deepEqual([late.told(late.a, "payment-sent"), late.told(late.a, "payment-failed")], [1, 0]);
  });
});
