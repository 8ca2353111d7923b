import { merkleProof, merkleRootOf } from "@fulmen/bitcoin/block";
import type { BlockHash, Txid } from "@fulmen/bitcoin/primitives";
import { present } from "@fulmen/lightning/util";
import type { TestChain } from "../chain/index.ts";
import { badRequest } from "./requestError.ts";

/** A way up the merkle tree over hashes of headers, and its root; in display order. */
export interface HeaderProof {
  readonly branch: readonly string[];
  readonly root: string;
}

/** That the header at `height` is one of those from genesis to the height `checkpoint`; throws `RequestError`. */
export function headerProof(chain: TestChain, height: number, checkpoint: number): HeaderProof {
  const best = chain.tip.height;
  if (height > checkpoint || checkpoint > best) {
    const order = `header height ${grouped(height)} <= cp_height ${grouped(checkpoint)}`;
    throw badRequest(`require ${order} <= chain height ${grouped(best)}`);
  }
  const hashes: BlockHash[] = [];
  for (let at = 0; at <= checkpoint; at++) {
    hashes.push(present(chain.blockAt(at), "a block up to the tip").hash);
  }
  return proofAmong(hashes, height);
}

/** That a header is one of those with the `hashes`. */
export function proofAmong(hashes: readonly BlockHash[], height: number): HeaderProof {
  // The tree is that of transactions, with other leaves.
  const leaves = hashes.map((hash) => hash as string as Txid);
  return { branch: merkleProof(leaves, height).siblings, root: merkleRootOf(leaves) };
}

/** A number as ElectrumX writes it: `1,234,567`. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
