import { outPointKey } from "@fulmen/bitcoin/primitives";
import { txid as txidOf } from "@fulmen/bitcoin/transaction";
import type { KvEntry, KvWrite } from "../../chain/kvStore.ts";
import { type Codec, decode, encode } from "../../codec/codec.ts";
import { chainHash, channelId, feerate32, nodeId, txid } from "../../codec/primitives.ts";
import type {
  OutputSpendStatus,
  SweepTransaction,
  TrackedSpendableOutput,
} from "../../onchain/trackedOutput.ts";
import type { OutPoint, Txid } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { corruptRecord, missingRecord, reading, type StorageError } from "../storageError.ts";
import { parseSweeperKey, sweeperOutputKey, sweeperTransactionKey } from "./keys.ts";
import { layout, needed, possible, record, union } from "./layouts.ts";
import { spendableOutput } from "./spendableOutput.ts";
import { blockHeight, transaction } from "./values.ts";

const status: Codec<OutputSpendStatus> = union<OutputSpendStatus>("output_spend_status", {
  "pending-initial-broadcast": [0, { delayedUntilHeight: possible(0, blockHeight) }],
  "pending-first-confirmation": [
    1,
    { spendingTxid: needed(0, txid), broadcastHeight: needed(2, blockHeight) },
  ],
  "pending-threshold-confirmations": [
    2,
    {
      spendingTxid: needed(0, txid),
      confirmationHeight: needed(2, blockHeight),
      confirmationHash: needed(4, chainHash),
    },
  ],
});

const trackedOutput = record(
  layout<TrackedSpendableOutput>("tracked_output", {
    descriptor: needed(0, spendableOutput),
    channelId: possible(2, channelId),
    counterparty: possible(4, nodeId),
    status: needed(6, status),
  }),
);

const sweepTransaction = record(
  layout<SweepTransaction>("sweep_transaction", {
    transaction: needed(0, transaction),
    feerate: needed(2, feerate32),
  }),
);

/** What an `OutputSweeper` is made of. */
export interface StoredSweeper {
  readonly outputs: readonly TrackedSpendableOutput[];
  /** Those that outputs name, and are the sweeper's own. */
  readonly transactions: readonly SweepTransaction[];
}

/** The row of an output; it is deleted when there is no `tracked`. */
export function trackedOutputWrite(outPoint: OutPoint, tracked: TrackedSpendableOutput | undefined): KvWrite {
  return { key: sweeperOutputKey(outPoint), value: tracked && encode(trackedOutput, tracked) };
}

/** The row of a transaction of the sweeper's; it is deleted when there is no `sweep`. */
export function sweepTransactionWrite(id: Txid, sweep: SweepTransaction | undefined): KvWrite {
  return { key: sweeperTransactionKey(id), value: sweep && encode(sweepTransaction, sweep) };
}

/** What the rows below `sweeperPrefix` say, all of them. */
export function readSweeper(entries: readonly KvEntry[]): Result<StoredSweeper, StorageError> {
  const outputs: TrackedSpendableOutput[] = [];
  const transactions = new Map<Txid, SweepTransaction>();
  for (const { key, value } of entries) {
    const row = parseSweeperKey(key);
    if (row === undefined) return err(corruptRecord(key, "its name is unknown"));
    if (row.kind === "output") {
      const tracked = reading(key, () => decode(trackedOutput, value));
      if (!tracked.ok) return tracked;
      if (outPointKey(tracked.value.descriptor.outPoint) !== outPointKey(row.outPoint))
        return err(corruptRecord(key, "it holds another output"));
      outputs.push(tracked.value);
    } else {
      const sweep = reading(key, () => decode(sweepTransaction, value));
      if (!sweep.ok) return sweep;
      if (txidOf(sweep.value.transaction) !== row.txid)
        return err(corruptRecord(key, "it holds another transaction"));
      transactions.set(row.txid, sweep.value);
    }
  }
  for (const { status } of outputs) {
    if (status.kind !== "pending-first-confirmation" || transactions.has(status.spendingTxid)) continue;
    return err(missingRecord(sweeperTransactionKey(status.spendingTxid), "a transaction of the sweeper"));
  }
  return ok({ outputs, transactions: [...transactions.values()] });
}
