import { type BlockHeader, type MerkleProof, merkleProof } from "@fulmen/bitcoin/block";
import { equalBytes, type Txid, toHex } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import type {
  HeaderTip,
  HistoryItem,
  OutputsAnswer,
  OutputsQuestion,
  TransactionClient,
} from "@fulmen/chain-sync/transactions";
import { present } from "@fulmen/lightning/util";
import type { SimulatedChain } from "@fulmen/testkit/chain";

/** Answers from a simulated chain, counts what it is asked for, and lies where a test overrides a method. */
export class SimulatedClient implements TransactionClient {
  readonly maxConcurrency = 4;
  readonly maxHeaders = 10;
  isToldOfChanges = false;
  readonly chain: SimulatedChain;
  /** Requests by their kind. */
  readonly asked = new Map<string, number>();
  /** Called with every request, before it is answered. */
  onRequest: (kind: string) => void = () => {};
  readonly outputs: TransactionClient["outputs"];

  constructor(chain: SimulatedChain, by: "outputs" | "scripts" = "outputs") {
    this.chain = chain;
    this.outputs = by === "scripts" ? undefined : (question) => this.#outputs(question);
  }

  async tip(): Promise<HeaderTip> {
    this.#count("tip");
    const { block, height } = this.chain.tip;
    return { header: block.header, height };
  }

  async headers(from: number, count: number): Promise<readonly BlockHeader[]> {
    this.#count("headers");
    const headers: BlockHeader[] = [];
    for (let height = from; height < from + Math.min(count, this.maxHeaders); height++) {
      const block = this.chain.blockAt(height);
      if (block !== undefined) headers.push(block.block.header);
    }
    return headers;
  }

  async scriptHistory(script: Uint8Array): Promise<readonly HistoryItem[]> {
    this.#count("scriptHistory");
    this.#count(toHex(script));
    const concerns = (transaction: Transaction) =>
      transaction.outputs.some((output) => equalBytes(output.script, script)) ||
      transaction.inputs.some(({ outPoint }) => {
        const spent = this.chain.output(outPoint);
        return spent !== undefined && equalBytes(spent.script, script);
      });
    const items: HistoryItem[] = [];
    for (let height = 1; height <= this.chain.tip.height; height++) {
      for (const transaction of present(this.chain.blockAt(height), "a block").block.transactions) {
        if (concerns(transaction)) items.push({ txid: txidOf(transaction), height });
      }
    }
    for (const txid of this.chain.mempool) {
      const { transaction } = present(this.chain.transaction(txid), "a transaction");
      if (concerns(transaction)) items.push({ txid, height: undefined });
    }
    // The newest first, as servers give them.
    return items.reverse();
  }

  async transaction(txid: Txid): Promise<Transaction | undefined> {
    this.#count("transaction");
    return this.chain.transaction(txid)?.transaction;
  }

  async merkleProof(txid: Txid, height: number): Promise<MerkleProof | undefined> {
    this.#count("merkleProof");
    const block = this.chain.blockAt(height);
    const position = block?.txids.indexOf(txid) ?? -1;
    return block === undefined || position < 0 ? undefined : merkleProof(block.txids, position);
  }

  /** How often something was asked for since the last call. */
  take(kind: string): number {
    const count = this.asked.get(kind) ?? 0;
    this.asked.delete(kind);
    return count;
  }

  async #outputs({ txid, indexes, wantsCreator }: OutputsQuestion): Promise<OutputsAnswer> {
    this.#count("outputs");
    if (wantsCreator) this.#count("creator");
    const creator = wantsCreator ? this.chain.transaction(txid) : undefined;
    const spenders = indexes.flatMap((index) => {
      const spender = this.chain.outputSpentBy({ txid, index });
      return spender === undefined
        ? []
        : [{ txid: txidOf(spender.transaction), height: spender.block?.height }];
    });
    return { creator: creator && { txid, height: creator.block?.height }, spenders };
  }

  #count(kind: string): void {
    this.asked.set(kind, (this.asked.get(kind) ?? 0) + 1);
    this.onRequest(kind);
  }
}
