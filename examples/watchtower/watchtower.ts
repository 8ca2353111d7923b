import { type Block, blockHash, decodeBlock, hasProofOfWork, isBlockIntact } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import { BitcoinDecodeError, encodeTransaction, type Transaction } from "@fulmen/bitcoin/transaction";
import type { TransactionType } from "@fulmen/lightning/chain";
import { ChainMonitor } from "@fulmen/lightning/manager";
import { timelineLines } from "@fulmen/lightning/onchain";
import { KeysManager } from "@fulmen/lightning/sign";
import { type ImportedMonitor, importMonitor } from "@fulmen/lightning/storage";
import { type BlockHash, blockHeight, feeratePerKw, type Result } from "@fulmen/lightning/util";
import type { FromTower, ToTower } from "./protocol.ts";

const network = networks.regtest;
/** Satoshis per 1,000 weight units. A real tower asks its Bitcoin node; claims are raised towards their deadlines. */
const feerates = { urgent: feeratePerKw(2_500), relaxed: feeratePerKw(500) };

type Broadcast = Extract<FromTower, { kind: "watching" }>["broadcasts"][number];

/**
 * Defends one channel from an exported monitor, its keys and blocks: nothing is asked of the node that owns it.
 *
 * It never publishes our own commitment, though its monitor would when an HTLC's deadline comes: a copy may be old, and
 * what was our latest commitment then may be revoked now. Whatever it does take spends what the *peer* has published.
 *
 * It keeps no store: a tower that dies begins anew with the export and the blocks after it, and comes to the same.
 */
export class Watchtower {
  readonly #imported: ImportedMonitor;
  readonly #monitor: ChainMonitor;
  /** Of the best chain, the tip last. */
  readonly #hashes: BlockHash[];
  #height: number;
  #messages = 0;
  #broadcasts: Broadcast[] = [];
  #secured = 0n;

  /** Throws on an export that is refused. */
  constructor(seed: Uint8Array, exported: Uint8Array) {
    this.#imported = orThrow(importMonitor(exported));
    const { position, restored } = this.#imported;
    this.#height = position.height;
    this.#hashes = [...position.ancestors.toReversed(), position.hash];
    this.#monitor = new ChainMonitor(
      {
        signerProvider: new KeysManager(seed),
        broadcaster: {
          broadcastTransactions: (transactions, type) => this.#broadcast(transactions, type),
        },
        feeEstimator: {
          feerate: (target) => (target === "urgent-on-chain-sweep" ? feerates.urgent : feerates.relaxed),
        },
        logger: { log: () => {} },
      },
      { bestHeight: position.height, monitors: [restored] },
    );
    this.#monitor.rebroadcast();
  }

  answer(message: Exclude<ToTower, { kind: "defend" }>): FromTower {
    const trouble =
      message.kind === "block" ? this.#connect(message.bytes) : this.#disconnect(message.height);
    return trouble === undefined ? this.watching() : { kind: "refused", text: trouble };
  }

  /** What it has to say since it was last asked. */
  watching(): FromTower {
    // What others store here is lost with the process, on purpose: the same blocks tell it again.
    this.#messages++;
    this.#monitor.takeWrites(this.#messages);
    this.#monitor.committed(this.#messages);
    for (const event of this.#monitor.takeMonitorEvents()) {
      if (event.kind !== "spendable-outputs") continue;
      for (const { output } of event.outputs) this.#secured += output.value;
    }
    const broadcasts = this.#broadcasts;
    this.#broadcasts = [];
    const timeline = timelineLines(this.#monitor.closeTimeline(this.#imported.channelId), this.#height);
    return { kind: "watching", height: this.#height, broadcasts, timeline, secured: this.#secured };
  }

  /** Why a block is not taken. That its coins were there to be spent is for the one to know who gives it. */
  #connect(bytes: Uint8Array): string | undefined {
    const block = blockOf(bytes);
    if (block === undefined || !isBlockIntact(block)) return "the bytes are no whole block";
    if (!hasProofOfWork(block.header, network)) return "the block has no proof of work";
    if (block.header.previous !== this.#hashes.at(-1)) return `the block does not follow on ${this.#height}`;
    this.#hashes.push(blockHash(block.header));
    this.#height++;
    const transactions = block.transactions.map((transaction, index) => ({ index, transaction }));
    this.#monitor.blockConnected(block.header, transactions, this.#height);
    return undefined;
  }

  #disconnect(height: number): string | undefined {
    const kept = this.#hashes.length - (this.#height - height);
    const hash = this.#hashes[kept - 1];
    if (height >= this.#height || hash === undefined) return `block ${height} is not one below the tip`;
    this.#hashes.length = kept;
    this.#height = height;
    this.#monitor.blocksDisconnected({ hash, height: blockHeight(height) });
    return undefined;
  }

  #broadcast(transactions: readonly Transaction[], type: TransactionType): void {
    if (type === "unilateral-close") return;
    for (const transaction of transactions) {
      this.#broadcasts.push({ transaction: encodeTransaction(transaction), type });
    }
  }
}

function blockOf(bytes: Uint8Array): Block | undefined {
  try {
    return decodeBlock(bytes);
  } catch (error) {
    if (error instanceof BitcoinDecodeError) return undefined;
    throw error;
  }
}

function orThrow<T>(result: Result<T, { readonly text: string }>): T {
  if (result.ok) return result.value;
  throw new Error(result.error.text);
}
