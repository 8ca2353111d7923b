import { crypto } from "../crypto/installed.ts";
import { concatBytes, equalBytes, type Txid } from "../primitives/index.ts";
import {
  ByteReader,
  ByteWriter,
  hasWitness,
  isCoinbase,
  readTransaction,
  type Transaction,
  totalSize,
  txid,
  writeTransaction,
  wtxid,
} from "../transaction/index.ts";
import { type BlockHeader, encodeHeader, merkleRootToInternal, readHeader } from "./header.ts";
import { isMerkleMutated, merkleRootOf } from "./merkle.ts";

/** @ldk bitcoin::Block */
export interface Block {
  readonly header: BlockHeader;
  /** The coinbase first. */
  readonly transactions: readonly Transaction[];
}

/** Version, one count each, locktime: the least that a transaction can be. */
const leastTransactionSize = 10;

/** The network form, each transaction with its witnesses. */
export function encodeBlock({ header, transactions }: Block): Uint8Array {
  const size = transactions.reduce((sum, tx) => sum + totalSize(tx), 89);
  const writer = new ByteWriter(size).bytes(encodeHeader(header)).compactSize(transactions.length);
  for (const tx of transactions) writeTransaction(writer, tx);
  return writer.finish();
}

/**
 * A block as nodes hand it out; throws `BitcoinDecodeError` on bytes that are none, with nothing behind it permitted.
 * No rule of consensus is checked: a node one trusts did that, and limits that grow or go must not stop a channel
 * from following the chain. `isBlockIntact` tells whether the transactions are those of the header.
 */
export function decodeBlock(bytes: Uint8Array): Block {
  const reader = new ByteReader(bytes);
  const header = readHeader(reader);
  const count = reader.count(leastTransactionSize);
  const transactions: Transaction[] = [];
  for (let i = 0; i < count; i++) transactions.push(readTransaction(reader));
  reader.expectEnd();
  return { header, transactions };
}

/**
 * Whether a block's transactions, with their witnesses, are those that its header commits to: merkle root, no
 * repeated end, and the coinbase's commitment to witnesses (BIP 141, "Commitment structure"). That the first one is a
 * coinbase also shows that the row is the lowest: 64 bytes of an inner node cannot be made to read as one. Pass
 * `txids` where they were computed already.
 */
export function isBlockIntact(block: Block, txids: readonly Txid[] = block.transactions.map(txid)): boolean {
  const [coinbase] = block.transactions;
  if (coinbase === undefined || !isCoinbase(coinbase)) return false;
  if (merkleRootOf(txids) !== block.header.merkleRoot || isMerkleMutated(txids)) return false;
  return areWitnessesIntact(block.transactions, coinbase);
}

/** `OP_RETURN`, a push of 36 bytes, and the tag of the commitment. */
const commitmentHead = Uint8Array.of(0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed);
const noTxid = "00".repeat(32) as Txid;

function areWitnessesIntact(transactions: readonly Transaction[], coinbase: Transaction): boolean {
  const output = coinbase.outputs.findLast(
    ({ script }) => script.length >= 38 && equalBytes(script.subarray(0, 6), commitmentHead),
  );
  if (output === undefined) return !transactions.some(hasWitness);
  const [reserved, ...more] = coinbase.inputs[0]?.witness ?? [];
  if (reserved?.length !== 32 || more.length > 0) return false;
  const wtxids = transactions.map((tx, i) => (i === 0 ? noTxid : wtxid(tx)));
  const root = merkleRootToInternal(merkleRootOf(wtxids));
  return equalBytes(output.script.subarray(6, 38), crypto().hash256(concatBytes(root, reserved)));
}
