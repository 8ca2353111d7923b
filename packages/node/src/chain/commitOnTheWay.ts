import { type CommittedParts, NodeCommits } from "@fulmen/background";
import type { KVStore } from "@fulmen/lightning/chain";

/** Blocks between two commits: about ten seconds of full ones. */
const blocksPerCommit = 100;

/**
 * To be called after each block while a node that does not run yet catches up: commits what the blocks brought now and
 * then, so that who crashes after a month's blocks goes on from there. Rejects with what the store says.
 */
export function commitOnTheWay(store: KVStore, parts: CommittedParts): () => Promise<void> {
  const commits = new NodeCommits(parts);
  let blocks = 0;
  return async () => {
    blocks++;
    if (blocks % blocksPerCommit !== 0) return;
    const batch = commits.take();
    if (batch === undefined) return;
    await store.commit(batch.writes);
    batch.committed();
  };
}
