import { blockHash, verifyMerkleProof } from "@fulmen/bitcoin/block";
import type { Network } from "@fulmen/bitcoin/network";
import { txid as txidOf } from "@fulmen/bitcoin/transaction";
import type { BlockLocator } from "@fulmen/lightning/chain";
import type { UtxoAnswer } from "@fulmen/lightning/gossip";
import { type BlockHeight, type ShortChannelId, shortChannelIdParts } from "@fulmen/lightning/util";
import { ChainSourceError } from "../chainSourceError.ts";
import { hasWorkAt, invalidChain } from "../headers/index.ts";
import { hasUnspent, readIdAtPosition } from "./answers.ts";
import { isOverload } from "./rpcMessage.ts";
import { scriptHashOf } from "./scriptHash.ts";
import { type ElectrumSession, refused } from "./session.ts";
import { fetchTransaction, headersFrom } from "./transactionClient.ts";

/** Confirmations that a channel's announcement needs: BOLT 7, "The `announcement_signatures` Message". */
const minDepth = 6;
const notFound: UtxoAnswer = { kind: "not-found" };

/**
 * The output that a short channel id names, if it is unspent. That the transaction is in a block with proof of work is
 * checked; that the output is unspent, and the block part of the best chain, is what the server says.
 */
export async function lookUpOutput(
  session: ElectrumSession,
  network: Network,
  id: ShortChannelId,
): Promise<UtxoAnswer> {
  const { height, txIndex, outputIndex } = shortChannelIdParts(id);
  const isTooYoung = (): boolean => height > session.tip.height - minDepth + 1;
  if (isTooYoung()) await session.refresh();
  if (isTooYoung()) return notFound;
  const method = "blockchain.transaction.id_from_pos";
  const answer = await session.ask(method, [height, txIndex, true]);
  if (!answer.ok) {
    if (isOverload(answer.error)) throw refused(session.address, method, answer.error);
    return notFound;
  }
  const { txid, proof } = readIdAtPosition(answer.value, txIndex);
  const [transaction, [header]] = await Promise.all([
    fetchTransaction(session, txid),
    headersFrom(session, height, 1),
  ]);
  if (transaction === undefined || header === undefined) return notFound;
  const isProven =
    txidOf(transaction) === txid &&
    hasWorkAt(header, height, network) &&
    verifyMerkleProof(transaction, proof, header.merkleRoot);
  if (!isProven) throw invalidChain(`${session.address.name} names a transaction that is not in its block`);
  const output = transaction.outputs[outputIndex];
  if (output === undefined) return notFound;
  const unspent = await session.demand("blockchain.scripthash.listunspent", [scriptHashOf(output.script)]);
  return hasUnspent(unspent, { txid, index: outputIndex }) ? { kind: "found", ...output } : notFound;
}

/** Hashes before the block that a locator has. */
const ancestorCount = 12;

/** The block of this height with those before it, each the next one's parent and with proof of work. */
export async function locateBlock(
  session: ElectrumSession,
  network: Network,
  height: BlockHeight,
): Promise<BlockLocator> {
  const from = Math.max(0, height - ancestorCount);
  const headers = height > session.tip.height ? [] : await headersFrom(session, from, height - from + 1);
  if (headers.length !== height - from + 1) {
    throw new ChainSourceError(
      "not-synced",
      `${session.address.name} has no block ${height} yet`,
      "wait until the server has caught up with the chain, or use a lower height",
    );
  }
  for (const [index, header] of headers.entries()) {
    const next = headers[index + 1];
    const isLinked = next === undefined || next.previous === blockHash(header);
    // The work of the first block is its hash, which the network fixes.
    const hasWork = hasWorkAt(header, from + index, network) || blockHash(header) === network.genesisHash;
    if (!isLinked || !hasWork)
      throw invalidChain(`${session.address.name} tells of blocks near ${height} that cannot be`);
  }
  const [hash = network.genesisHash, ...ancestors] = headers.map(blockHash).reverse();
  return { hash, height, ancestors };
}
