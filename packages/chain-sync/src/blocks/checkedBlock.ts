import { blockHash, decodeBlock, isBlockIntact } from "@fulmen/bitcoin/block";
import { BitcoinDecodeError } from "@fulmen/bitcoin/transaction";
import type { TransactionInBlock } from "@fulmen/lightning/chain";
import { ChainSourceError } from "../chainSourceError.ts";
import { invalidChain, type KnownHeader } from "../headers/index.ts";

/** A block whose transactions are those that its header commits to. */
export interface CheckedBlock extends KnownHeader {
  readonly transactions: readonly TransactionInBlock[];
}

/**
 * Reads the block of a header that was checked. Throws `ChainSourceError`: `invalid-answer` for bytes that are no
 * block, `invalid-chain` when it is another one's, or its transactions or their witnesses are not the header's.
 */
export function checkedBlock(bytes: Uint8Array, known: KnownHeader): CheckedBlock {
  const block = decoded(bytes, known);
  const name = `block ${known.height} (${known.hash})`;
  if (blockHash(block.header) !== known.hash) throw invalidChain(`another block came instead of ${name}`);
  if (!isBlockIntact(block)) throw invalidChain(`the transactions of ${name} are not those of its header`);
  return { ...known, transactions: block.transactions.map((transaction, index) => ({ index, transaction })) };
}

function decoded(bytes: Uint8Array, { height, hash }: KnownHeader) {
  try {
    return decodeBlock(bytes);
  } catch (error) {
    if (!(error instanceof BitcoinDecodeError)) throw error;
    throw new ChainSourceError(
      "invalid-answer",
      `what came as block ${height} (${hash}) is no block: ${error.message}`,
      "the connection may have broken off; if it happens again, check the disk of the Bitcoin node",
      error,
    );
  }
}
