import { crypto } from "@fulmen/bitcoin/crypto";
import {
  type BlockHash,
  blockHashFromInternal,
  blockHashToInternal,
  concatBytes,
  fromHex,
  type Sat,
  type Txid,
  toHex,
  txidToInternal,
} from "@fulmen/bitcoin/primitives";
import { op, script } from "@fulmen/bitcoin/script";
import {
  ByteWriter,
  decodeTransaction,
  encodeTransaction,
  type Transaction,
  txid,
} from "@fulmen/bitcoin/transaction";
import type { BlockFact, LdkPeer } from "#src/index";

const genesis = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206" as BlockHash;

/**
 * A chain of headers on regtest's genesis without proof of work, given to every peer alike. LDK takes its clock from
 * header times, so they start a day before now.
 */
export class RegtestBlocks {
  readonly #peers: readonly LdkPeer[];
  #tip = genesis;
  #height = 0;
  #time = Math.floor(Date.now() / 1000) - 86_400;

  constructor(peers: readonly LdkPeer[]) {
    this.#peers = peers;
  }

  get height(): number {
    return this.#height;
  }

  /** Adds `count` blocks; the first holds `txs` (hex) behind a coinbase's place. */
  async mine(count: number, txs: readonly string[] = []): Promise<void> {
    for (let i = 0; i < count; i++) {
      const block = this.#nextBlock(i === 0 ? txs : []);
      for (const peer of this.#peers) await peer.cmd("block", block);
    }
  }

  #nextBlock(txs: readonly string[]): BlockFact {
    this.#height += 1;
    this.#time += 30;
    const header = new ByteWriter()
      .u32(0x2000_0000)
      .bytes(blockHashToInternal(this.#tip))
      .bytes(merkleRoot([coinbase(this.#height), ...txs.map((tx) => decodeTransaction(fromHex(tx)))]))
      .u32(this.#time)
      .u32(0x207f_ffff)
      .u32(0)
      .finish();
    this.#tip = blockHashFromInternal(crypto().hash256(header));
    return {
      header: toHex(header),
      height: this.#height,
      txs: txs.map((tx, index) => ({ position: index + 1, tx })),
    };
  }
}

/** A transaction that pays `value` to `outputScript`, from a made-up coin that anyone may spend. */
export function fundingTx(value: Sat, outputScript: Uint8Array, salt: number): string {
  const tx: Transaction = {
    version: 2,
    inputs: [
      {
        outPoint: { txid: salt.toString(16).padStart(64, "0") as Txid, index: 0 },
        scriptSig: new Uint8Array(),
        sequence: 0xffff_fffd,
        witness: [Uint8Array.of(op._1)],
      },
    ],
    outputs: [{ value, script: outputScript }],
    locktime: 0,
  };
  return toHex(encodeTransaction(tx));
}

function coinbase(height: number): Transaction {
  return {
    version: 2,
    inputs: [
      {
        outPoint: { txid: "00".repeat(32) as Txid, index: 0xffff_ffff },
        scriptSig: script(BigInt(height), op._0),
        sequence: 0xffff_ffff,
        witness: [],
      },
    ],
    outputs: [{ value: 5_000_000_000n as Sat, script: Uint8Array.of(op._1) }],
    locktime: 0,
  };
}

function merkleRoot(txs: readonly Transaction[]): Uint8Array {
  let level = txs.map((tx) => txidToInternal(txid(tx)));
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i] ?? new Uint8Array();
      above.push(crypto().hash256(concatBytes(left, level[i + 1] ?? left)));
    }
    level = above;
  }
  return level[0] ?? new Uint8Array(32);
}
