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
  witnessSize,
  writeTransaction,
  wtxid,
} from "../transaction/index.ts";
import { type BlockHeader, encodeHeader, merkleRootToInternal, readHeader } from "./header.ts";
import { isMerkleMutated, merkleRootOf, merkleTop } from "./merkle.ts";

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
  return areWitnessesIntact(block.transactions, coinbase, () => {
    const wtxids = block.transactions.map((tx, i) => (i === 0 ? noTxid : wtxid(tx)));
    return merkleRootToInternal(merkleRootOf(wtxids));
  });
}

/**
 * `decodeBlock` and `isBlockIntact` in one, at half the price: hashes the transactions as they stand in the bytes. The
 * block, or `undefined` when its transactions or their witnesses are not those that its header commits to.
 */
export function decodeIntactBlock(bytes: Uint8Array): Block | undefined {
  const { hash256 } = crypto();
  const reader = new ByteReader(bytes);
  const header = readHeader(reader);
  const count = reader.count(leastTransactionSize);
  const transactions: Transaction[] = [];
  const ids: Uint8Array[] = [];
  const witnessIds: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const start = reader.offset;
    const transaction = readTransaction(reader);
    // There is one encoding only: what was read is what would be written.
    const raw = bytes.subarray(start, reader.offset);
    const witnessId = hash256(raw);
    transactions.push(transaction);
    ids.push(hasWitness(transaction) ? hash256(withoutWitness(raw, transaction)) : witnessId);
    witnessIds.push(i === 0 ? new Uint8Array(32) : witnessId);
  }
  reader.expectEnd();
  const [coinbase] = transactions;
  if (coinbase === undefined || !isCoinbase(coinbase)) return undefined;
  const { root, isMutated } = merkleTop(ids);
  if (isMutated || !equalBytes(root, merkleRootToInternal(header.merkleRoot))) return undefined;
  const areIntact = areWitnessesIntact(transactions, coinbase, () => merkleTop(witnessIds).root);
  return areIntact ? { header, transactions } : undefined;
}

/** Cuts marker, flag and witnesses out of a transaction's bytes. */
function withoutWitness(raw: Uint8Array, { inputs }: Transaction): Uint8Array {
  const witnesses = inputs.reduce((size, { witness }) => size + witnessSize(witness), 0);
  const stripped = new Uint8Array(raw.length - 2 - witnesses);
  stripped.set(raw.subarray(0, 4), 0);
  stripped.set(raw.subarray(6, raw.length - witnesses - 4), 4);
  stripped.set(raw.subarray(raw.length - 4), stripped.length - 4);
  return stripped;
}

/** `OP_RETURN`, a push of 36 bytes, and the tag of the commitment. */
const commitmentHead = Uint8Array.of(0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed);
const noTxid = "00".repeat(32) as Txid;

function areWitnessesIntact(
  transactions: readonly Transaction[],
  coinbase: Transaction,
  witnessRoot: () => Uint8Array,
): boolean {
  const output = coinbase.outputs.findLast(
    ({ script }) => script.length >= 38 && equalBytes(script.subarray(0, 6), commitmentHead),
  );
  if (output === undefined) return !transactions.some(hasWitness);
  const [reserved, ...more] = coinbase.inputs[0]?.witness ?? [];
  if (reserved?.length !== 32 || more.length > 0) return false;
  const commitment = crypto().hash256(concatBytes(witnessRoot(), reserved));
  return equalBytes(output.script.subarray(6, 38), commitment);
}
