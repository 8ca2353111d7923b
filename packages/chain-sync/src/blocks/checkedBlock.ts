import { type Block, blockHash, decodeHeader, decodeIntactBlock } from "@fulmen/bitcoin/block";
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
  const name = `block ${known.height} (${known.hash})`;
  const block = decoded(bytes, known);
  if (block === "another") throw invalidChain(`another block came instead of ${name}`);
  if (block === undefined) throw invalidChain(`the transactions of ${name} are not those of its header`);
  return { ...known, transactions: block.transactions.map((transaction, index) => ({ index, transaction })) };
}

function decoded(bytes: Uint8Array, { height, hash }: KnownHeader): Block | "another" | undefined {
  try {
    if (blockHash(decodeHeader(bytes.subarray(0, 80))) !== hash) return "another";
    return decodeIntactBlock(bytes);
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
