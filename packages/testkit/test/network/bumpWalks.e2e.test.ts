// timeout: 180 s
import assert from "node:assert/strict";
import { before, it } from "node:test";
import { txid } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type Bytes32, feeratePerKw, msat, present, sat } from "@fulmen/lightning/util";
import { Dice, TestNetwork } from "@fulmen/testkit";
import { createFundedChain } from "@fulmen/testkit/wallet";

// Channels that close while estimates, mempools and the wallet do what they like. Whatever a node broadcasts may pay
// too little to be relayed; it must never be refused for anything else.

before(() => {
  installNodeCrypto();
});

const estimates = [0, 1, 2, 5, 10, 30, 100, 400, 4_000];
const steps = 40;
const seeds = 12;

function walk(format: "anchors-zero-fee-htlc" | "zero-fee-commitments", seed: number): readonly string[] {
  const dice = new Dice(seed);
  const { chain, faucet } = createFundedChain({ seed });
  const network = new TestNetwork({ seed, funded: { chain, faucet } });
  const [a, b] = [network.addNode(), network.addNode()];
  const link = network.connect(a, b);
  const push = msat(400_000_000n);
  const channelId = network.openChannel(a, b, { funding: sat(1_000_000n), push, format });
  for (const node of [a, b]) network.claims(node, "hold");
  for (let i = 0; i < 4; i++) {
    network.payInvoice(a, b, msat(BigInt(dice.roll(40)) * 1_000_000n + 2_000_000n));
    network.payInvoice(b, a, msat(BigInt(dice.roll(20)) * 1_000_000n + 2_000_000n));
  }
  link.reconnects = false;
  network.cut(link);
  a.manager.forceCloseBroadcastingLatestTxn(channelId, "the peer is gone");
  for (const event of a.eventList) {
    if (event.kind !== "payment-claimable" || dice.roll(3) === 0) continue;
    a.manager.claimFunds(present(event.purpose.paymentPreimage, "a preimage") as Bytes32);
  }
  const refused: string[] = [];
  // A node that starts again does not know what it has sent: when that paid more, it is still there.
  let hasCrashed = false;
  const settle = (): void => {
    network.settle();
    for (const { type, refusal } of a.broadcaster.takeRefused()) {
      const isLate = hasCrashed && refusal.kind.startsWith("replacement-");
      if (refusal.kind !== "min-fee-not-met" && !isLate)
        refused.push(`${seed}: ${type}: ${JSON.stringify(refusal, text)}`);
    }
  };
  const mine = (only?: readonly []): void => {
    chain.mine(1, only && { only });
    for (const node of network.nodes) node.syncChain();
    settle();
  };
  settle();
  for (let i = 0; i < steps; i++) {
    const move = dice.roll(12);
    if (move < 6) mine([]);
    else if (move < 8) {
      const estimate = estimates[dice.roll(estimates.length)] ?? 0;
      a.feerate = () => feeratePerKw(estimate * 250);
    } else if (move === 8) {
      if (seed % 2 === 0) continue;
      network.crash(a);
      hasCrashed = true;
    } else if (move === 9) chain.raiseMempoolMinimum(BigInt(dice.roll(8_000)));
    else if (move === 10) network.giveCoins([a], sat(1_000 + dice.roll(60_000)), 1 + dice.roll(3));
    else mine();
    settle();
  }
  chain.raiseMempoolMinimum(0n);
  a.feerate = () => feeratePerKw(2_500);
  network.giveCoins([a], sat(400_000n), 3);
  for (let i = 0; i < 160; i++) mine();
  const funding = a.eventList.find((event) => event.kind === "channel-pending");
  assert.ok(funding?.kind === "channel-pending");
  const commitment = present(chain.outputSpentBy(funding.funding), "a commitment");
  assert.ok(commitment.block !== undefined);
  assert.deepEqual(a.chainMonitor.unsettledClaims(), [], `${seed}: ${txid(commitment.transaction)}`);
  return refused;
}

const text = (_: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}` : value);

for (const format of ["anchors-zero-fee-htlc", "zero-fee-commitments"] as const) {
  it(`a channel of ${format} ends on the chain, and nothing is refused but for paying too little`, () => {
    const refused = Array.from({ length: seeds }, (_, i) => walk(format, i + 1)).flat();
    assert.deepEqual(refused, []);
  });
}
