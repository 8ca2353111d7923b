import { crypto } from "../crypto/installed.ts";
import { concatBytes, equalBytes, type Txid, txidFromInternal, txidToInternal } from "../primitives/index.ts";
import {
  BitcoinDecodeError,
  decodeTransaction,
  encodeWithoutWitness,
  type Transaction,
} from "../transaction/index.ts";
import { type MerkleRoot, merkleRootFromInternal, merkleRootToInternal } from "./header.ts";

/** The siblings of a transaction on its way to the root, as Electrum and Esplora servers give them. */
export interface MerkleProof {
  /** Index of the transaction in its block. */
  readonly position: number;
  /** From the transaction up, in display order: of the lowest a txid, of the others hashes of two nodes. */
  readonly siblings: readonly Txid[];
}

/**
 * The root over nodes of 32 bytes in the order of headers, at least one, and whether two equal neighbours on some level
 * make it that of a shorter row, too (`isMerkleMutated`).
 */
export function merkleTop(row: readonly Uint8Array[]): {
  readonly root: Uint8Array;
  readonly isMutated: boolean;
} {
  const { hash256 } = crypto();
  const pair = new Uint8Array(64);
  let isMutated = false;
  let level = row;
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const left = present(level[i]);
      const right = level[i + 1];
      isMutated ||= right !== undefined && equalBytes(left, right);
      pair.set(left, 0);
      pair.set(right ?? left, 32);
      above.push(hash256(pair));
    }
    level = above;
  }
  return { root: present(level[0]), isMutated };
}

function present(node: Uint8Array | undefined): Uint8Array {
  if (node === undefined) throw new RangeError("a block has at least one transaction");
  return node;
}

/** The root over `txids`, in their order in the block; throws `RangeError` when there are none. */
export function merkleRootOf(txids: readonly Txid[]): MerkleRoot {
  let level = txids.map(txidToInternal);
  while (level.length > 1) level = parents(level);
  const [root] = level;
  if (root === undefined) throw new RangeError("a block has at least one transaction");
  return merkleRootFromInternal(root);
}

/**
 * Whether a row of transactions gives the same root as a shorter one, by repeating its end (CVE-2012-2459): two equal
 * neighbours on some level. Such a block is another one's hash with other contents, not an invalid block.
 */
export function isMerkleMutated(txids: readonly Txid[]): boolean {
  let level = txids.map(txidToInternal);
  while (level.length > 1) {
    for (let i = 0; i + 1 < level.length; i += 2) {
      const [left, right] = [level[i], level[i + 1]];
      if (left !== undefined && right !== undefined && equalBytes(left, right)) return true;
    }
    level = parents(level);
  }
  return false;
}

/** The proof that the transaction at `position` is in the block of `txids`; `RangeError` when it is not. */
export function merkleProof(txids: readonly Txid[], position: number): MerkleProof {
  if (txids[position] === undefined) throw new RangeError(`no transaction ${position} among ${txids.length}`);
  const siblings: Txid[] = [];
  let level = txids.map(txidToInternal);
  for (let at = position; level.length > 1; at >>= 1) {
    const sibling = level[at ^ 1] ?? level[at];
    if (sibling !== undefined) siblings.push(txidFromInternal(sibling));
    level = parents(level);
  }
  return { position, siblings };
}

/** A block of 4,000,000 weight units has fewer than 2^17 transactions. */
const deepestProof = 17;

/**
 * Whether `proof` shows that `tx` is in the block with this root. The transaction is asked for rather than its id,
 * because an inner node is 64 bytes too: a transaction of 64 bytes without witnesses is refused (it may be two
 * hashes), and so is a proof with an inner node that reads as a transaction (below which anything could be hung).
 * Siblings that are not 32 bytes of hex, positions outside of the tree, and repeated ends are refused as well.
 */
export function verifyMerkleProof(tx: Transaction, proof: MerkleProof, root: MerkleRoot): boolean {
  const { position, siblings } = proof;
  const depth = siblings.length;
  if (depth > deepestProof || !Number.isInteger(position) || position < 0 || position >= 2 ** depth)
    return false;
  const stripped = encodeWithoutWitness(tx);
  if (stripped.length === 64) return false;
  let node = crypto().hash256(stripped);
  for (const [height, sibling] of siblings.entries()) {
    if (!/^[0-9a-f]{64}$/.test(sibling)) return false;
    const other = txidToInternal(sibling);
    const isRight = ((position >> height) & 1) === 1;
    if (isRight && equalBytes(node, other)) return false;
    const inner = isRight ? concatBytes(other, node) : concatBytes(node, other);
    if (readsAsTransaction(inner)) return false;
    node = crypto().hash256(inner);
  }
  return equalBytes(node, merkleRootToInternal(root));
}

function parents(level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const left = level[i];
    if (left !== undefined) above.push(crypto().hash256(concatBytes(left, level[i + 1] ?? left)));
  }
  return above;
}

function readsAsTransaction(bytes: Uint8Array): boolean {
  try {
    decodeTransaction(bytes);
    return true;
  } catch (error) {
    if (error instanceof BitcoinDecodeError) return false;
    throw error;
  }
}
