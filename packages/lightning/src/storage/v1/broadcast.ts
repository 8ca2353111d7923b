import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { TransactionType } from "../../chain/chainInterface.ts";
import type { KvEntry, KvWrite } from "../../chain/kvStore.ts";
import { type Codec, decode, encode } from "../../codec/codec.ts";
import { present } from "../../util/invariant.ts";
import type { Result } from "../../util/result.ts";
import { reading, type StorageError } from "../storageError.ts";
import { broadcastKey } from "./keys.ts";
import { layout, nameOf, needed, record } from "./layouts.ts";
import { transactions } from "./values.ts";

/** What is broadcast again after a start, until it confirms. */
export interface StoredBroadcast {
  readonly type: TransactionType;
  /** One package, parents first; never empty. */
  readonly transactions: readonly Transaction[];
}

const transactionType: Codec<TransactionType> = nameOf<TransactionType>("transaction_type", {
  funding: 0,
  "cooperative-close": 1,
  "unilateral-close": 2,
  "anchor-bump": 3,
  claim: 4,
  sweep: 5,
});

const storedBroadcast = record(
  layout<StoredBroadcast>("broadcast", {
    type: needed(0, transactionType),
    transactions: needed(2, transactions),
  }),
);

/** Stores the row `broadcast/<txid>`, named by the last transaction of the package. */
export function broadcastWrite(broadcast: StoredBroadcast): KvWrite {
  const last = present(broadcast.transactions.at(-1), "a transaction to broadcast");
  return { key: broadcastKey(txid(last)), value: encode(storedBroadcast, broadcast) };
}

export function readBroadcast({ key, value }: KvEntry): Result<StoredBroadcast, StorageError> {
  return reading(key, () => decode(storedBroadcast, value));
}
