import assert from "node:assert/strict";
import { it } from "node:test";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import { txid } from "@fulmen/bitcoin/transaction";
import { OutputSweeper } from "@fulmen/lightning/manager";
import { KeysManager } from "@fulmen/lightning/sign";
import { readSweeper } from "@fulmen/lightning/storage";
import { blockHeight, type Sat, sat } from "@fulmen/lightning/util";
import { lowFeerate, ok, World } from "./world.ts";

const keys = new KeysManager(new Uint8Array(32).fill(6));
const channelKeysId = new Uint8Array(32);

it("gets what closed channels left at a script of its own, which it knows after a crash", () => {
  const world = new World();
  const { chain, faucet } = world;
  const script = keys.destinationScript(channelKeysId);
  const left = faucet.fund(chain, [{ value: sat(90_000), script }], lowFeerate);
  chain.mine(1, { transactions: [left] });
  world.sync();
  const broadcast: Transaction[] = [];
  const environment = {
    outputSpender: keys,
    changeDestinationSource: world.wallet,
    broadcaster: { broadcastTransactions: (all: readonly Transaction[]) => void broadcast.push(...all) },
    feeEstimator: { feerate: () => lowFeerate },
    logger: { log: () => {} },
  };
  const sweeper = new OutputSweeper(environment, { bestHeight: chain.tip.height });
  const outPoint = { txid: txid(left), index: left.outputs.findIndex(({ value }) => value === 90_000n) };
  const output = { value: sat(90_000), script };
  sweeper.trackSpendableOutputs([{ kind: "static-output", outPoint, output, channelKeysId }]);
  sweeper.rebroadcast();
  assert.equal(broadcast.length, 0);
  // One batch has both: where the coins go, and that the wallet has handed that script out.
  const rows = sweeper.takeWrites(1).flatMap(({ key, value }) => (value ? [{ key, value }] : []));
  world.save();
  const [tracked] = ok(readSweeper(rows)).outputs;
  assert.equal(tracked?.status.kind, "pending-first-confirmation");
  sweeper.committed(1);
  const [sweep] = broadcast;
  assert.ok(sweep !== undefined && chain.submit(sweep).ok);
  world.restart();
  const before = world.wallet.balance().confirmed;
  const mined = chain.mine(1)[0] ?? assert.fail("no block");
  world.sync();
  const swept = sweep.outputs[0]?.value ?? assert.fail("no output");
  assert.equal(world.wallet.balance().confirmed, (before + swept) as Sat);
  assert.notDeepEqual(world.wallet.nextChangeAddress().script, sweep.outputs[0]?.script);
  sweeper.blockConnected(
    mined.block.header,
    mined.block.transactions.map((transaction, index) => ({ transaction, index })),
    blockHeight(chain.tip.height),
  );
  assert.equal(sweeper.trackedSpendableOutputs()[0]?.status.kind, "pending-threshold-confirmations");
});
