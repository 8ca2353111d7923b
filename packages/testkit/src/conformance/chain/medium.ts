import type { NetworkName } from "@fulmen/bitcoin/network";
import type { Sat, Txid } from "@fulmen/bitcoin/primitives";
import { type Transaction, type TxOut, txid as txidOf } from "@fulmen/bitcoin/transaction";
import { type ChainSource, ChainSourceError, type ChainSourceErrorCode } from "@fulmen/chain-sync";
import { feeratePerKw } from "@fulmen/lightning/util";
import type { TestChain } from "../../chain/index.ts";
import type { Faucet } from "../../wallet/index.ts";

/** What the other side of a source can be made to tell that is not true. */
export type ChainLie =
  /** Transactions that the header of their block does not commit to. */
  | "false-transactions"
  /** Headers whose hash does not meet their target. */
  | "no-work"
  /** Blocks that do not follow from those before them. */
  | "broken-chain";

/** A chain, and the other side of a source that tells of it: a server on a real socket. */
export interface ChainSourceMedium {
  /** Of regtest, and with some hundred blocks, so that `faucet` has coins. */
  readonly chain: TestChain;
  /** Whose coins the chain's blocks pay to. */
  readonly faucet: Faucet;
  /** A source that nobody started, for the network: regtest unless it is named. */
  createSource(network?: NetworkName): ChainSource;
  /** Called whenever chain or mempool may have changed. */
  announce?(): void;
  /** Ends all connections; nobody can connect until `resume`. */
  interrupt?(): Promise<void>;
  resume?(): Promise<void>;
  /** Tells such lies from now on, of blocks that come after this; the truth again when there is none. */
  lie?(lie: ChainLie | undefined): void;
  close(): Promise<void>;
}

/** What a medium and its source can do beyond what all can. */
export interface ChainSourceAbilities {
  /** The medium has `interrupt` and `resume`. */
  readonly canInterrupt?: boolean;
  /** Those that the medium can tell. */
  readonly lies?: readonly ChainLie[];
  /** The source broadcasts a parent without a fee together with the child that pays for it. */
  readonly takesPackages?: boolean;
}

/** A medium with a source that is started. */
export class Rig {
  readonly medium: ChainSourceMedium;
  readonly source: ChainSource;

  constructor(medium: ChainSourceMedium, source: ChainSource) {
    this.medium = medium;
    this.source = source;
  }

  get chain(): TestChain {
    return this.medium.chain;
  }

  /** Mines blocks, the first with what is in the mempool, and says so. */
  mine(count = 1, only?: readonly Txid[]): void {
    this.chain.mine(count, only === undefined ? {} : { only });
    this.medium.announce?.();
  }

  /** Whether a transaction is in the mempool or the chain. */
  has(transaction: Transaction): boolean {
    this.medium.announce?.();
    return this.chain.transaction(txidOf(transaction)) !== undefined;
  }

  /** Abandons blocks for one more that are empty. */
  reorg(depth: number): void {
    this.chain.reorg(depth);
    this.medium.announce?.();
  }

  /** Puts a payment of the faucet's into the mempool. */
  pay(script: Uint8Array, value = 100_000n): Transaction {
    return this.submit(this.fund([{ value: value as Sat, script }]));
  }

  /** A payment of the faucet's that nobody has heard of. */
  fund(outputs: readonly TxOut[]): Transaction {
    return this.medium.faucet.fund(this.chain, outputs, feeratePerKw(1_000));
  }

  /** Puts a transaction into the mempool. */
  submit(transaction: Transaction): Transaction {
    const result = this.chain.submit(transaction);
    if (!result.ok) throw new Error(`the mempool refuses ${txidOf(transaction)}: ${result.error.kind}`);
    this.medium.announce?.();
    return transaction;
  }
}

/** Lets `body` use a medium of its own with a started source, and ends both. */
export async function withRig(
  createMedium: () => Promise<ChainSourceMedium>,
  body: (rig: Rig) => Promise<void>,
): Promise<void> {
  await withMedium(createMedium, async (medium) => {
    const source = medium.createSource();
    try {
      await source.start();
      await body(new Rig(medium, source));
    } finally {
      await source.stop();
    }
  });
}

/** Lets `body` use a medium of its own, and ends it. */
export async function withMedium(
  createMedium: () => Promise<ChainSourceMedium>,
  body: (medium: ChainSourceMedium) => Promise<void>,
): Promise<void> {
  const medium = await createMedium();
  try {
    await body(medium);
  } finally {
    await medium.close();
  }
}

/** Throws unless the promise is rejected with a `ChainSourceError` of one of the codes. */
export async function expectChainSourceError(
  promise: Promise<unknown>,
  codes: readonly ChainSourceErrorCode[],
  what: string,
): Promise<ChainSourceError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ChainSourceError)) {
    throw new Error(`${what}: expected a ChainSourceError, got ${String(error)}`, { cause: error });
  }
  if (!codes.includes(error.code)) {
    throw new Error(`${what}: expected ${codes.join(" or ")}, got ${error.code}: ${error.message}`, {
      cause: error,
    });
  }
  if (error.message === "" || error.remedy === "") throw new Error(`${what}: message or remedy is empty`);
  return error;
}

/** Throws unless the promise is settled in time. */
export async function within<T>(milliseconds: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
