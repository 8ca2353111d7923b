import type { BlockHeader } from "@fulmen/bitcoin/block";
import { op, script } from "@fulmen/bitcoin/script";
import type { Confirm, Listen, TransactionInBlock } from "../chain/index.ts";
import { concatBytes, equalBytes } from "../util/bytes.ts";
import type { BlockHeight, UnixSeconds } from "../util/ids.ts";
import type { FundingKeys } from "./graph/fundedBy.ts";
import type { NetworkGraph } from "./graph/networkGraph.ts";

/** Blocks in which the new channel that a splice makes of a spent one may be announced (BOLT 7). */
const spliceDelay = 72;

/**
 * Takes channels out of a graph 72 blocks after a block has spent their funding outputs. Whoever spends one reveals the
 * two keys in it, which were announced: so nothing needs to be remembered of channels that are open. (Nodes that use
 * two keys for several channels lose them all with one.) Only sources that tell of whole blocks show what strangers
 * spend.
 */
export class SpentChannels implements Listen, Confirm {
  readonly #graph: NetworkGraph;

  constructor(graph: NetworkGraph) {
    this.#graph = graph;
  }

  blockConnected(
    header: BlockHeader,
    transactions: readonly TransactionInBlock[],
    height: BlockHeight,
  ): void {
    const revealed: FundingKeys[] = [];
    for (const { transaction } of transactions) {
      for (const { witness } of transaction.inputs) {
        const keys = fundingKeysIn(witness.at(-1));
        if (keys !== undefined) revealed.push(keys);
      }
    }
    this.#graph.fundingSpent(revealed, height);
    this.bestBlockUpdated(header, height);
  }

  blocksDisconnected({ height }: { readonly height: BlockHeight }): void {
    this.#graph.fundingUnspent(height);
  }

  bestBlockUpdated({ time }: BlockHeader, height: BlockHeight): void {
    this.#graph.closeSpent(height - spliceDelay, time as UnixSeconds);
  }

  /** Sources that tell of single transactions know nothing of strangers' channels. */
  transactionsConfirmed(): void {}

  transactionUnconfirmed(): void {}

  relevantTxids(): readonly never[] {
    return [];
  }
}

const keyLength = 33;
const scriptLength = 2 * (keyLength + 1) + 3;

/** The keys in a script that asks for signatures of both of two keys. */
function fundingKeysIn(witnessScript: Uint8Array | undefined): FundingKeys | undefined {
  if (witnessScript?.length !== scriptLength) return undefined;
  const first = witnessScript.subarray(2, 2 + keyLength);
  const second = witnessScript.subarray(3 + keyLength, 3 + 2 * keyLength);
  if (!equalBytes(witnessScript, script(op._2, first, second, op._2, op.CHECKMULTISIG))) return undefined;
  return concatBytes(first, second);
}
