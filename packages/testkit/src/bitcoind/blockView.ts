import { type Block, type BlockHeader, blockHash, encodeBlock, hasProofOfWork } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import type { BlockHash } from "@fulmen/bitcoin/primitives";
import { present } from "@fulmen/lightning/util";
import type { ChainLie } from "../conformance/index.ts";
import type { ServedChain } from "./servedChain.ts";

/** A block as the server tells of it. */
export interface ViewedBlock {
  readonly block: Block;
  readonly hash: BlockHash;
  readonly height: number;
}

/** The blocks of a chain, and of branches that it left: as they are, or as a liar tells of those that are new. */
export class BlockView {
  readonly #chain: ServedChain;
  #lie: ChainLie | undefined;
  /** Height from which on lies are told. */
  #lieFrom = 0;
  /** By hash and by height. */
  readonly #lies = new Map<BlockHash | number, ViewedBlock>();

  constructor(chain: ServedChain) {
    this.#chain = chain;
  }

  /** Tells lies from now on, of blocks that come after the tip; or the truth. */
  lie(lie: ChainLie | undefined): void {
    this.#lie = lie;
    this.#lieFrom = this.#chain.tip.height + 1;
    this.#lies.clear();
  }

  get height(): number {
    return this.#chain.tip.height;
  }

  get tip(): ViewedBlock {
    return present(this.at(this.height), "the tip");
  }

  at(height: number): ViewedBlock | undefined {
    const found = this.#chain.blockAt(height);
    if (found === undefined || this.#lie === undefined || height < this.#lieFrom) return found;
    const known = this.#lies.get(height);
    if (known !== undefined) return known;
    const told = this.#falsified(found.block, present(this.at(height - 1), "the block before"), this.#lie);
    const viewed = { block: told, hash: blockHash(told.header), height };
    this.#lies.set(height, viewed).set(viewed.hash, viewed);
    return viewed;
  }

  /** One of the chain, or of a branch that it left. */
  find(hash: string): ViewedBlock | undefined {
    const lie = this.#lies.get(hash as BlockHash);
    if (lie !== undefined) return lie;
    const { forkPoint, disconnected } = this.#chain.blocksSince({ hash: hash as BlockHash, ancestors: [] });
    return [forkPoint, disconnected[0]].find((block) => block?.hash === hash);
  }

  isActive({ hash, height }: ViewedBlock): boolean {
    return this.at(height)?.hash === hash;
  }

  bytes(viewed: ViewedBlock): Uint8Array {
    return this.#chain.encodedBlock?.(viewed.hash) ?? encodeBlock(viewed.block);
  }

  #falsified(block: Block, before: ViewedBlock, lie: ChainLie): Block {
    const { header, transactions } = block;
    switch (lie) {
      case "false-transactions": {
        const [coinbase] = transactions;
        const false0 = { ...present(coinbase, "the coinbase"), locktime: 7 };
        return { header, transactions: [false0, ...transactions.slice(1)] };
      }
      case "no-work":
        return { header: mined({ ...header, previous: before.hash }, false), transactions };
      case "broken-chain":
        return { header: mined({ ...header, previous: networks.mainnet.genesisHash }, true), transactions };
    }
  }
}

/** Changes the nonce until the header has work, or has none. */
function mined(header: BlockHeader, hasWork: boolean): BlockHeader {
  for (let nonce = header.nonce; ; nonce++) {
    const candidate = { ...header, nonce };
    if (hasProofOfWork(candidate, networks.regtest) === hasWork) return candidate;
  }
}
