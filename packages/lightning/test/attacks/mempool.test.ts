import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { outPointKey } from "@fulmen/bitcoin/primitives";
import { encodeTypedSignature } from "@fulmen/bitcoin/script";
import { sighashAll } from "@fulmen/bitcoin/sighash";
import { type Transaction, txid, vsize } from "@fulmen/bitcoin/transaction";
import { inputOf, TestNetwork, type TestNode } from "@fulmen/testkit";
import { createFundedChain } from "@fulmen/testkit/wallet";
import type { BuiltOutput } from "#src/commitment/build";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { FormatName } from "#src/commitment/params";
import { isContested } from "#src/onchain/commitmentOutputs";
import { holderCommitments } from "#src/onchain/validCommitments";
import type { Bytes32 } from "#src/util/bytes";
import type { ChannelId, OutPoint } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { feeratePerKw, msat, sat } from "#src/util/units";
import { Cheat } from "./cheat.ts";

// Attacks on what waits for a block, on a chain with the replacement rules, limits and packages of Bitcoin Core.

const amount = 100_000n;

/** Alice - Bob - Carol; Carol holds a payment of Alice's, and Bob closes his channel with her. */
class Scene {
  readonly funded = createFundedChain();
  readonly chain = this.funded.chain;
  readonly network = new TestNetwork({ funded: this.funded });
  readonly alice = this.network.addNode();
  readonly bob = this.network.addNode();
  readonly carol = this.network.addNode();
  readonly ab: ChannelId;
  readonly bc: ChannelId;
  readonly preimage: Bytes32;

  constructor(format: FormatName) {
    const { network, alice, bob, carol } = this;
    network.connect(alice, bob);
    network.connect(bob, carol);
    const options = { funding: sat(1_000_000n), push: msat(300_000_000n), format };
    this.ab = network.openChannel(alice, bob, options);
    this.bc = network.openChannel(bob, carol, options);
    network.giveCoins([bob], sat(500_000n));
    network.claims(carol, "hold");
    network.payInvoice(alice, carol, msat(amount * 1_000n));
    const held = carol.eventList.find(({ kind }) => kind === "payment-claimable");
    assert.ok(held?.kind === "payment-claimable");
    this.preimage = present(held.purpose.paymentPreimage, "a preimage") as Bytes32;
  }

  /** What Bob thinks that fees are. */
  estimate(satPerVbyte: number): void {
    this.bob.feerate = () => feeratePerKw(satPerVbyte * 250);
  }

  /** Bob closes his channel with Carol, who does not come back. Gives his commitment. */
  close(): Transaction {
    const { network, bob, carol, bc } = this;
    const link = network.link(bob, carol);
    link.reconnects = false;
    network.cut(link);
    bob.manager.forceCloseBroadcastingLatestTxn(bc, "the peer is gone");
    network.settle();
    const found = bob.broadcasts.find(
      ({ transaction }) => transaction.inputs.length === 1 && spends(transaction, this.#funding()),
    );
    return present(found, "Bob's commitment").transaction;
  }

  /** A block of these only; everybody is told. */
  mineOnly(transactions: readonly Transaction[] = []): void {
    this.chain.mine(1, { only: transactions.map(txid) });
    for (const node of this.network.nodes) node.syncChain();
    this.network.settle();
  }

  expiryAt(node: TestNode, channelId: ChannelId): number {
    const htlc = node.chainMonitor.monitor(channelId)?.rows[0]?.htlc;
    return present(htlc, "an HTLC").cltvExpiry;
  }

  told(node: TestNode, kind: string): number {
    return node.eventList.filter((event) => event.kind === kind).length;
  }

  cheat(): Cheat {
    return new Cheat(this.carol.keys.keys, present(this.carol.chainMonitor.monitor(this.bc), "a monitor"));
  }

  #funding(): OutPoint {
    return present(this.bob.chainMonitor.monitor(this.bc), "a monitor").setup.funding.outPoint;
  }
}

function spends({ inputs }: Transaction, output: OutPoint): boolean {
  return inputs.some(({ outPoint }) => outPointKey(outPoint) === outPointKey(output));
}

for (const format of formatNames) {
  describe(`replacement cycling, ${format}`, () => {
    // CVE-2023-40231 to -40234, disclosed 2023-10-16: Bob's HTLC-timeout is replaced by a claim with the preimage,
    // which is itself replaced by a transaction that has nothing to do with the HTLC. Nothing of either is left in
    // mempools.
    it("carol evicts Bob's HTLC-timeout after each block: he comes back each time, and it costs her more than the HTLC", () => {
      const scene = new Scene(format);
      const { chain, network, bob, alice, carol, bc, ab } = scene;
      const { faucet } = scene.funded;
      const [downstream, upstream] = [scene.expiryAt(bob, bc), scene.expiryAt(bob, ab)];
      scene.estimate(5);
      const commitment = scene.close();
      scene.mineOnly([commitment]);
      assert.equal(chain.confirmations(txid(commitment)), 1);
      const htlc = present(
        bob.chainMonitor.monitor(bc)?.chain.fundingSpend?.outputs.find(isContested),
        "the HTLC's output",
      );
      scene.mineOnly();
      chain.mine(downstream - chain.tip.height, { only: [] });
      for (const node of network.nodes) node.syncChain();
      network.settle();
      const output = present(chain.output(htlc.outPoint), "an output");
      const coin = { value: sat(2_000_000n), script: faucet.script };
      const coins = faucet.fund(
        chain,
        Array.from({ length: 100 }, () => coin),
        feeratePerKw(1_000),
      );
      chain.mine(1, { transactions: [coins], only: [] });
      let paidByCarol = 0n;
      const offered: bigint[] = [];
      while (chain.tip.height < upstream - 4) {
        const { height } = chain.tip;
        const timeout = present(
          chain.outputSpentBy(htlc.outPoint)?.transaction,
          `Bob's HTLC-timeout at ${height}`,
        );
        assert.ok(bob.broadcasts.some(({ transaction }) => txid(transaction) === txid(timeout)));
        const fee = present(chain.feeOf(txid(timeout)), "a fee");
        offered.push(fee);
        // Her claim with the preimage and a coin, and what takes the coin from it again.
        const outPoint = { txid: txid(coins), index: offered.length };
        const claim = scene.cheat().spendDirectly(commitment, {
          preimage: scene.preimage,
          height,
          build: (input) =>
            faucet.spend(
              [
                { input, output },
                { input: inputOf(outPoint), output: coin },
              ],
              [{ value: sat(2_000_000n + output.value - fee - 5_000n), script: faucet.script }],
            ),
        });
        const evicting = chain.submit(claim);
        assert.ok(evicting.ok, inspect(evicting));
        const cost = fee + 10_000n;
        const away = faucet.spend(
          [{ input: inputOf(outPoint), output: coin }],
          [{ value: sat(2_000_000n - cost), script: faucet.script }],
        );
        const cycled = chain.submit(away);
        assert.ok(cycled.ok, inspect(cycled));
        assert.equal(chain.outputSpentBy(htlc.outPoint), undefined, "nothing of Bob's is left");
        paidByCarol += cost;
        scene.mineOnly([away]);
      }
      assert.equal(scene.told(alice, "payment-failed"), 0);
      if (format !== "static-remotekey") {
        const last = present(offered.at(-1), "a fee");
        assert.ok(last >= amount / 2n, `${last} sat offered at last`);
        assert.ok(paidByCarol > 2n * amount, `Carol paid ${paidByCarol} sat for ${amount} sat`);
        for (const [i, fee] of offered.entries())
          assert.ok(i === 0 || fee >= (offered[i - 1] ?? 0n), "a fee fell");
      }
      // Where a mempool shows the preimage, it is used: Alice has paid, whatever becomes of the claim.
      const shown = scene.cheat().spendDirectly(commitment, {
        preimage: scene.preimage,
        height: chain.tip.height,
        build: (input) => ({
          version: 2,
          inputs: [input],
          outputs: [{ ...output, script: faucet.script }],
          locktime: 0,
        }),
      });
      bob.manager.transactionSeen(shown);
      network.settle();
      assert.equal(scene.told(alice, "payment-sent"), 1);
      assert.equal(alice.manager.listUsableChannels().length, 1);
      assert.equal(carol.manager.listUsableChannels().length, 0);
    });
  });
}

const bumped: readonly FormatName[] = ["anchors-zero-fee-htlc", "zero-fee-commitments"];

for (const format of bumped) {
  describe(`pinning, ${format}`, () => {
    // BIP 125's rules 3 and 5, and limits of packages: a child of the peer's with a low feerate and a high fee holds up
    // a commitment that we want to raise.
    it("carol hangs the largest child she can on Bob's commitment: his package confirms all the same", () => {
      const scene = new Scene(format);
      const { chain, bob, carol, bc, network } = scene;
      scene.estimate(3);
      const commitment = scene.close();
      assert.ok(chain.mempool.includes(txid(commitment)));
      // Her child, as large as policy lets it be, at the least feerate that replaces Bob's where both spend one output.
      const [built] = holderCommitments(present(bob.chainMonitor.monitor(bc), "a monitor"));
      const anchor = present(built?.built.otherAnchor ?? built?.built.sharedAnchor, "Carol's anchor");
      const pin = pinOn(scene, {
        commitment,
        anchor,
        feerate: 2_200,
        outputs: format === "zero-fee-commitments" ? 25 : 2_500,
      });
      const pinned = chain.submit(pin);
      assert.ok(pinned.ok, inspect(pinned));
      assert.ok(vsize(pin) > (format === "zero-fee-commitments" ? 800 : 70_000), `${vsize(pin)} vB`);
      scene.estimate(60);
      let blocks = 0;
      while (chain.confirmations(txid(commitment)) === 0 && blocks < 40) {
        blocks++;
        chain.mine(1, { minFeerate: 30_000n });
        for (const node of network.nodes) node.syncChain();
        network.settle();
      }
      assert.equal(chain.confirmations(txid(commitment)) > 0, true, "Bob's commitment is never mined");
      assert.ok(blocks <= 20, `it took ${blocks} blocks`);
      assert.equal(carol.manager.listUsableChannels().length, 0);
    });

    it("carol has her own commitment wait at a low feerate: one of the two confirms in time", () => {
      const scene = new Scene(format);
      const { chain, bob, bc, network } = scene;
      const cheat = scene.cheat();
      const hers = cheat.commitment();
      const [theirs] = holderCommitments(present(scene.carol.chainMonitor.monitor(bc), "a monitor"));
      const anchor = present(theirs?.built.ownerAnchor ?? theirs?.built.sharedAnchor, "an anchor");
      const child = pinOn(scene, { commitment: hers, anchor, feerate: 700, outputs: 1 });
      const packaged = chain.submitPackage(hers, child);
      assert.ok(packaged.ok, inspect(packaged));
      scene.estimate(60);
      const commitment = scene.close();
      for (let blocks = 0; blocks < 20 && chain.confirmations(txid(commitment)) === 0; blocks++) {
        chain.mine(1, { minFeerate: 30_000n });
        for (const node of network.nodes) node.syncChain();
        network.settle();
      }
      assert.ok(chain.confirmations(txid(commitment)) > 0, "Bob's package replaces hers");
      assert.equal(bob.chainMonitor.monitor(bc)?.chain.fundingSpend?.spender.kind, "holder-commitment");
    });
  });
}

/** A child of Carol's on an anchor: many outputs, little fee. */
function pinOn(
  scene: Scene,
  of: {
    readonly commitment: Transaction;
    readonly anchor: BuiltOutput;
    readonly outputs: number;
    readonly feerate: number;
  },
): Transaction {
  const { chain, carol, bc } = scene;
  const { faucet } = scene.funded;
  const { commitment, anchor } = of;
  const input = inputOf({ txid: txid(commitment), index: anchor.index });
  const spent = { value: anchor.value, script: anchor.script };
  const outputs = Array.from({ length: of.outputs }, () => ({ value: sat(400n), script: faucet.script }));
  const { witnessScript } = anchor;
  const unsigned = faucet.fund(chain, outputs, feeratePerKw(of.feerate), {
    inputs: [{ input, output: spent }],
    version: commitment.version,
  });
  if (witnessScript === undefined) return unsigned;
  const monitor = present(carol.chainMonitor.monitor(bc), "a monitor");
  const signer = carol.keys.keys.deriveChannelSigner(monitor.setup.channelKeysId);
  const signature = present(
    signer.signSpend({
      transaction: unsigned,
      inputIndex: 0,
      value: anchor.value,
      scriptCode: witnessScript,
      sighashType: sighashAll,
      key: { kind: "funding" },
    }),
    "a signature",
  );
  const witness = [encodeTypedSignature({ signature, sighashType: sighashAll }), witnessScript];
  return { ...unsigned, inputs: unsigned.inputs.map((one, i) => (i === 0 ? { ...one, witness } : one)) };
}
