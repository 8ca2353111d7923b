import { randomBytes } from "node:crypto";
import {
  type BlockHeader,
  blockHash,
  encodeHeader,
  hasProofOfWork,
  merkleRootOf,
  merkleRootToInternal,
} from "@fulmen/bitcoin/block";
import { crypto } from "@fulmen/bitcoin/crypto";
import { networks } from "@fulmen/bitcoin/network";
import type { BlockHash, Sat, Txid } from "@fulmen/bitcoin/primitives";
import { concatBytes } from "@fulmen/bitcoin/primitives";
import { op, script } from "@fulmen/bitcoin/script";
import {
  ByteWriter,
  encodeTransaction,
  type Transaction,
  totalSize,
  txid,
  weight,
  wtxid,
} from "@fulmen/bitcoin/transaction";
import { type BlockHeight, blockHeight, present } from "@fulmen/lightning/util";
import type { ServedChain } from "@fulmen/testkit/bitcoind";
import { type ChainBlock, regtestGenesis } from "@fulmen/testkit/chain";

const network = networks.regtest;
const mostWeight = 4_000_000;

interface Contents {
  readonly txids: readonly Txid[];
  /** All but the coinbase, as in a block. */
  readonly bytes: Uint8Array;
  /** What the coinbase says of the witnesses. */
  readonly commitment: Uint8Array;
}

/**
 * A chain of full blocks of `size` bytes that nobody validated: all have the same ordinary transactions behind a
 * coinbase of their own, so that making them takes no time and reading them takes as long as ever.
 */
export class GeneratedChain implements ServedChain {
  readonly mempool: readonly Txid[] = [];
  readonly #contents: Contents;
  readonly #blocks: ChainBlock[] = [];
  readonly #coinbases = new Map<BlockHash, Uint8Array>();

  constructor(count: number, size: number) {
    this.#contents = contentsOf(size);
    this.#add(regtestGenesis.header, encodeTransaction(present(regtestGenesis.transactions[0], "it")));
    for (let height = 1; height <= count; height++) this.#mine(height);
  }

  /** Transactions of each block. */
  get transactionsPerBlock(): number {
    return this.#contents.txids.length + 1;
  }

  get tip(): ChainBlock {
    return present(this.#blocks.at(-1), "the tip");
  }

  blockAt(height: number): ChainBlock | undefined {
    return this.#blocks[height];
  }

  blocksSince({ hash }: { readonly hash: BlockHash }) {
    const forkPoint = present(
      this.#blocks.find((block) => block.hash === hash) ?? this.#blocks[0],
      "a block",
    );
    return { forkPoint, disconnected: [], connected: this.#blocks.slice(forkPoint.height + 1) };
  }

  encodedBlock(hash: BlockHash): Uint8Array {
    const { header } = this.blocksSince({ hash }).forkPoint.block;
    const coinbase = present(this.#coinbases.get(hash), "the coinbase");
    const count = new ByteWriter(5).compactSize(this.transactionsPerBlock).finish();
    return concatBytes(encodeHeader(header), count, coinbase, this.#contents.bytes);
  }

  coin(): undefined {}
  feeOf(): undefined {}
  outputSpentBy(): undefined {}
  transaction(): undefined {}

  submit(): never {
    throw new Error("a generated chain takes no transactions");
  }

  submitPackage(): never {
    throw new Error("a generated chain takes no transactions");
  }

  #mine(height: number): void {
    const { hash, block } = this.tip;
    const coinbase = coinbaseOf(height, this.#contents.commitment);
    const merkleRoot = merkleRootOf([txid(coinbase), ...this.#contents.txids]);
    const { bits, time } = block.header;
    const header = { version: 0x2000_0000, previous: hash, merkleRoot, time: time + 600, bits };
    for (let nonce = 0; ; nonce++) {
      if (!hasProofOfWork({ ...header, nonce }, network)) continue;
      this.#add({ ...header, nonce }, encodeTransaction(coinbase));
      return;
    }
  }

  #add(header: BlockHeader, coinbase: Uint8Array): void {
    const hash = blockHash(header);
    const height: BlockHeight = blockHeight(this.#blocks.length);
    const block = { header, transactions: [] };
    this.#blocks.push({ block, hash, height, txids: [], spent: [], fees: 0n as Sat });
    this.#coinbases.set(hash, coinbase);
  }
}

function contentsOf(size: number): Contents {
  const transactions: Transaction[] = [];
  let [left, room] = [size - 500, mostWeight - 2_000];
  for (let n = 0; ; n++) {
    // Payments, and now and then somebody who gathers his coins.
    const transaction = ordinaryTransaction(n % 3 === 0 ? 8 : 2, 2);
    left -= totalSize(transaction);
    room -= weight(transaction);
    if (left < 0 || room < 0) break;
    transactions.push(transaction);
  }
  const root = merkleRootOf(["00".repeat(32) as Txid, ...transactions.map(wtxid)]);
  const commitment = crypto().hash256(concatBytes(merkleRootToInternal(root), new Uint8Array(32)));
  return {
    txids: transactions.map(txid),
    bytes: Buffer.concat(transactions.map(encodeTransaction)),
    commitment,
  };
}

function ordinaryTransaction(inputs: number, outputs: number): Transaction {
  return {
    version: 2,
    inputs: Array.from({ length: inputs }, () => ({
      outPoint: { txid: randomBytes(32).toString("hex") as Txid, index: 1 },
      scriptSig: new Uint8Array(0),
      sequence: 0xffff_fffd,
      witness: [new Uint8Array(randomBytes(72)), new Uint8Array(randomBytes(33))],
    })),
    outputs: Array.from({ length: outputs }, () => ({
      value: 10_000n as Sat,
      script: Uint8Array.of(0, 20, ...randomBytes(20)),
    })),
    locktime: 0,
  };
}

function coinbaseOf(height: number, commitment: Uint8Array): Transaction {
  const scriptSig = new ByteWriter(8).u32(height).u32(0).finish();
  const outPoint = { txid: "00".repeat(32) as Txid, index: 0xffff_ffff };
  const tagged = concatBytes(Uint8Array.of(0xaa, 0x21, 0xa9, 0xed), commitment);
  return {
    version: 2,
    inputs: [{ outPoint, scriptSig, sequence: 0xffff_ffff, witness: [new Uint8Array(32)] }],
    outputs: [
      { value: 5_000_000_000n as Sat, script: Uint8Array.of(0, 20, ...new Uint8Array(20)) },
      { value: 0n as Sat, script: script(op.RETURN, tagged) },
    ],
    locktime: 0,
  };
}
