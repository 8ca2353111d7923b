import { type BlockHeader, blockHash, encodeHeader, merkleRootOf } from "@fulmen/bitcoin/block";
import { verifyTransaction } from "@fulmen/bitcoin/interpreter";
import {
  type BlockHash,
  fromHex,
  type OutPoint,
  outPointKey,
  type Sat,
  type Txid,
  toHex,
} from "@fulmen/bitcoin/primitives";
import { op, p2wsh, script } from "@fulmen/bitcoin/script";
import {
  decodeTransaction,
  encodeTransaction,
  type Transaction,
  type TxOut,
  txid,
} from "@fulmen/bitcoin/transaction";
import type { BlockFact, LdkPeer } from "#src/index";

const genesis = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206" as BlockHash;
const anyoneCanSpend = Uint8Array.of(op._1);

/**
 * A chain on regtest's genesis without proof of work, given to every peer alike. It takes only transactions that
 * spend unspent outputs with valid scripts. LDK takes its clock from header times, so they start a day before now.
 */
export class RegtestBlocks {
  readonly #peers: LdkPeer[];
  readonly #unspent = new Map<string, TxOut>();
  readonly #blocks: BlockFact[] = [];
  #tip = genesis;
  #time = Math.floor(Date.now() / 1000) - 86_400;
  #salt = 1;

  constructor(peers: readonly LdkPeer[]) {
    this.#peers = [...peers];
  }

  get height(): number {
    return this.#blocks.length;
  }

  /** Adds `count` blocks; the first holds `txs` (hex) behind its coinbase. */
  async mine(count: number, txs: readonly string[] = []): Promise<void> {
    for (let i = 0; i < count; i++) {
      const block = this.#nextBlock(i === 0 ? txs : []);
      this.#blocks.push(block);
      for (const peer of this.#peers) await peer.cmd("block", block);
    }
  }

  /** Gives `peer`, which is new, all blocks so far and those to come. */
  async addPeer(peer: LdkPeer): Promise<void> {
    this.#peers.push(peer);
    for (const block of this.#blocks) await peer.cmd("block", block);
  }

  /** Blocks go to `next`, which has seen all of them so far, in the place of `previous`. */
  replacePeer(previous: LdkPeer, next: LdkPeer): void {
    this.#peers.splice(this.#peers.indexOf(previous), 1, next);
  }

  /** A transaction, not yet in a block, that pays `value` to `outputScript` from a new coin that anyone may spend. */
  pay(value: Sat, outputScript: Uint8Array): string {
    const coin: OutPoint = { txid: (this.#salt++).toString(16).padStart(64, "0") as Txid, index: 0 };
    this.#unspent.set(outPointKey(coin), { value, script: p2wsh(anyoneCanSpend) });
    const scriptSig = new Uint8Array();
    const input = { outPoint: coin, scriptSig, sequence: 0xffff_fffd, witness: [anyoneCanSpend] };
    return toHex(
      encodeTransaction({
        version: 2,
        inputs: [input],
        outputs: [{ value, script: outputScript }],
        locktime: 0,
      }),
    );
  }

  #nextBlock(txs: readonly string[]): BlockFact {
    const height = this.height + 1;
    const decoded = txs.map((tx) => decodeTransaction(fromHex(tx)));
    for (const tx of decoded) this.#spend(tx, height);
    this.#time += 30;
    const header: BlockHeader = {
      version: 0x2000_0000,
      previous: this.#tip,
      merkleRoot: merkleRootOf([coinbase(height), ...decoded].map(txid)),
      time: this.#time,
      bits: 0x207f_ffff,
      nonce: 0,
    };
    this.#tip = blockHash(header);
    return {
      header: toHex(encodeHeader(header)),
      height,
      txs: txs.map((tx, index) => ({ position: index + 1, tx })),
    };
  }

  #spend(tx: Transaction, height: number): void {
    const id = txid(tx);
    if (tx.locktime < 500_000_000 && tx.locktime >= height) throw new Error(`${id} is not final`);
    const prevouts = tx.inputs.map(({ outPoint }) => {
      const key = outPointKey(outPoint);
      const spent = this.#unspent.get(key);
      if (spent === undefined) throw new Error(`${id} spends ${key}, which is no unspent output`);
      this.#unspent.delete(key);
      return spent;
    });
    const verdict = verifyTransaction(tx, prevouts);
    if (!verdict.ok) throw new Error(`${id} input ${verdict.inputIndex}: ${verdict.error}`);
    if (valueOfAll(tx.outputs) > valueOfAll(prevouts)) throw new Error(`${id} creates money`);
    for (const [index, output] of tx.outputs.entries()) {
      this.#unspent.set(outPointKey({ txid: id, index }), output);
    }
  }
}

function valueOfAll(outputs: readonly TxOut[]): bigint {
  return outputs.reduce((total, { value }) => total + value, 0n);
}

function coinbase(height: number): Transaction {
  const outPoint: OutPoint = { txid: "00".repeat(32) as Txid, index: 0xffff_ffff };
  const scriptSig = script(BigInt(height), op._0);
  return {
    version: 2,
    inputs: [{ outPoint, scriptSig, sequence: 0xffff_ffff, witness: [] }],
    outputs: [{ value: 5_000_000_000n as Sat, script: p2wsh(anyoneCanSpend) }],
    locktime: 0,
  };
}
