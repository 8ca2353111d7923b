import { verifyMerkleProof } from "@fulmen/bitcoin/block";
import type { Txid } from "@fulmen/bitcoin/primitives";
import { strippedSize, type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import type { KnownHeader } from "../headers/index.ts";
import { ChainMoved } from "./chainMoved.ts";
import type { HistoryItem, TransactionClient } from "./transactionClient.ts";

/** A transaction that is shown to be in a block. */
export interface ConfirmedTransaction {
  readonly transaction: Transaction;
  readonly txid: Txid;
  /** Of its place in the block. */
  readonly index: number;
  readonly block: KnownHeader;
}

/** The transaction of this id; `undefined` when the server does not have it. */
export async function fetchTransaction(
  client: TransactionClient,
  { txid, height, transaction: given }: HistoryItem,
): Promise<Transaction | undefined> {
  const transaction = given ?? (await client.transaction(txid, height));
  if (transaction !== undefined && txidOf(transaction) !== txid) {
    throw new ChainMoved("invalid-answer", `what was given as transaction ${txid} is another one`);
  }
  return transaction;
}

/**
 * The transaction with the proof that `block` has it. `undefined` for one that nobody can prove: 64 bytes without
 * witnesses may as well be two hashes of the tree (CVE-2017-12842), and no transaction of a channel is as short.
 */
export async function fetchConfirmed(
  client: TransactionClient,
  item: HistoryItem,
  block: KnownHeader,
): Promise<ConfirmedTransaction | undefined> {
  const { txid } = item;
  const { height, header } = block;
  const [transaction, proof] = await Promise.all([
    fetchTransaction(client, item),
    client.merkleProof(txid, height),
  ]);
  if (transaction === undefined || proof === undefined) {
    throw new ChainMoved("invalid-answer", `block ${height} was said to have transaction ${txid}`);
  }
  if (strippedSize(transaction) === 64) return undefined;
  if (!verifyMerkleProof(transaction, proof, header.merkleRoot)) {
    throw new ChainMoved("invalid-chain", `block ${height} does not have transaction ${txid}`);
  }
  return { transaction, txid, index: proof.position, block };
}
