import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { txid } from "@fulmen/bitcoin/transaction";
import type { SweepTransaction, TrackedSpendableOutput } from "#src/onchain/trackedOutput";
import { readSweeper, sweepTransactionWrite, trackedOutputWrite } from "#src/storage/v1/sweeper";
import { fromHex, toHex } from "#src/util/bytes";
import { type BlockHash, blockHeight, type ChannelId, nodeIdOf } from "#src/util/ids";
import { feeratePerKw } from "#src/util/units";
import { broadcasts, spendableOutputs } from "./examples.ts";

const sweep: SweepTransaction = {
  transaction: broadcasts[0]?.transactions[0] ?? assert.fail("no example"),
  feerate: feeratePerKw(1_234),
};
const spendingTxid = txid(sweep.transaction);
const counterparty = nodeIdOf(fromHex(`02${"a1".repeat(32)}`));
const statuses: readonly TrackedSpendableOutput["status"][] = [
  { kind: "pending-initial-broadcast" },
  { kind: "pending-initial-broadcast", delayedUntilHeight: blockHeight(700_000) },
  { kind: "pending-first-confirmation", spendingTxid, broadcastHeight: blockHeight(700_001) },
  {
    kind: "pending-threshold-confirmations",
    spendingTxid,
    confirmationHeight: blockHeight(700_002),
    confirmationHash: "d1".repeat(32) as BlockHash,
  },
];
const outputs = spendableOutputs.map((descriptor, index): TrackedSpendableOutput => {
  const { txid } = descriptor.outPoint;
  const status = statuses[index] ?? assert.fail("no status");
  const origin = index === 0 ? {} : { channelId: "c1".repeat(32) as ChannelId, counterparty };
  return { descriptor: { ...descriptor, outPoint: { txid, index } }, ...origin, status };
});
const writes = [
  ...outputs.map((tracked) => trackedOutputWrite(tracked.descriptor.outPoint, tracked)),
  sweepTransactionWrite(spendingTxid, sweep),
];

/** Written once and never changed: what is on the disks of those who run version 1. */
const golden: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL("../../../../fixtures/storage/v1/sweeper.json", import.meta.url), "utf8"),
);

describe("rows of the sweeper, version 1", () => {
  it("are written as they always were", () => {
    const written = writes.map(({ key, value }) => [key, toHex(value ?? new Uint8Array(0))] as const);
    assert.deepEqual(Object.fromEntries(written), golden);
  });

  it("give back what was written", () => {
    const entries = Object.entries(golden).map(([key, value]) => ({ key, value: fromHex(value) }));
    assert.deepEqual(readSweeper(entries), { ok: true, value: { outputs, transactions: [sweep] } });
  });

  it("are deleted by an absent value", () => {
    const { outPoint } = outputs[0]?.descriptor ?? assert.fail("no output");
    assert.deepEqual(trackedOutputWrite(outPoint, undefined), { key: writes[0]?.key, value: undefined });
    assert.equal(sweepTransactionWrite(spendingTxid, undefined).value, undefined);
  });
});
