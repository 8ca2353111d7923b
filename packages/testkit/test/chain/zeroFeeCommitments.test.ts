import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { equalBytes } from "@fulmen/bitcoin/primitives";
import { p2a } from "@fulmen/bitcoin/script";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { feeratePerKw, msat, sat } from "@fulmen/lightning/util";
import { TestNetwork } from "@fulmen/testkit";
import { createFundedChain, payForCommitment } from "@fulmen/testkit/wallet";

const funding = sat(500_000n);
const feerate = feeratePerKw(1_000);

/**
 * A channel without fees in which `held` payments, in msat, wait for the payee, and the payer's commitment. Mempools
 * were too full for the package that it is in.
 */
function closedByPayer(held: readonly bigint[]) {
  const funded = createFundedChain();
  const { chain } = funded;
  const network = new TestNetwork({ funded });
  const payer = network.addNode();
  const payee = network.addNode();
  network.connect(payer, payee);
  const format = "zero-fee-commitments";
  const channelId = network.openChannel(payer, payee, { funding, push: msat(100_000_000n), format });
  network.giveCoins([payer], sat(50_000n), 1);
  network.claims(payee, "hold");
  for (const amount of held) network.payInvoice(payer, payee, msat(amount));
  assert.equal(payer.manager.listChannels()[0]?.pendingHtlcs, held.length);
  chain.raiseMempoolMinimum(1_000_000n);
  payer.manager.forceCloseBroadcastingLatestTxn(channelId, "for the test");
  network.settle();
  chain.raiseMempoolMinimum(0n);
  assert.deepEqual(chain.mempool, []);
  const [bump] = payer.broadcasts.filter(({ type }) => type === "anchor-bump");
  assert.ok(bump !== undefined);
  return { network, payee, commitment: bump.transaction };
}

function anchorOf(commitment: Transaction): bigint {
  const anchor = commitment.outputs.find(({ script }) => equalBytes(script, p2a()));
  return anchor?.value ?? assert.fail("no anchor");
}

function feeOf(commitment: Transaction): bigint {
  return commitment.outputs.reduce((rest, { value }) => rest - value, funding as bigint);
}

describe("a commitment without a fee", () => {
  for (const [name, held, anchor, fee] of [
    ["and nothing trimmed", [], 0n, 0n],
    ["and an HTLC with an output", [5_000_000n], 0n, 0n],
    ["whose anchor takes what is trimmed", [5_000_000n, 100_400n], 101n, 0n],
    ["whose anchor is no dust, and leaves the rest for a fee", [5_000_000n, 100_400n, 300_000n], 240n, 161n],
  ] as const) {
    it(`is relayed with a child that spends the anchor: one ${name}`, () => {
      const { network, payee, commitment } = closedByPayer(held);
      assert.equal(commitment.version, 3);
      assert.deepEqual([anchorOf(commitment), feeOf(commitment)], [anchor, fee]);
      const { chain, faucet } = network;
      const child = payForCommitment(chain, faucet, commitment, feerate);
      assert.deepEqual(chain.submitPackage(commitment, child), {
        ok: true,
        value: { txids: [txid(commitment), txid(child)], replaced: [] },
      });
      network.mine(1);
      assert.ok(chain.mempool.every((id) => id !== txid(commitment) && id !== txid(child)));
      assert.equal(payee.eventList.at(-1)?.kind, "channel-closed");
    });
  }

  it("gives way to the other child of its anchor only for a higher fee", () => {
    const { network, commitment } = closedByPayer([5_000_000n]);
    const { chain, faucet } = network;
    const [cheap, dear] = [feerate, feeratePerKw(3_000)].map((rate) =>
      payForCommitment(chain, faucet, commitment, rate),
    );
    assert.ok(cheap !== undefined && dear !== undefined);
    assert.ok(chain.submitPackage(commitment, cheap).ok);
    assert.deepEqual(chain.submit(dear), {
      ok: true,
      value: { txids: [txid(dear)], replaced: [txid(cheap)] },
    });
    const refused = chain.submit(cheap);
    assert.equal(refused.ok ? undefined : refused.error.kind, "replacement-feerate-too-low");
  });
});
