import { type OutPoint, outPointKey, type Txid } from "@fulmen/bitcoin/primitives";
import { isUnspendable } from "@fulmen/bitcoin/script";
import { isCoinbase, type Transaction, type TxOut } from "@fulmen/bitcoin/transaction";

/** An output that can be spent. */
export interface Coin {
  readonly outPoint: OutPoint;
  readonly output: TxOut;
  /** Height of the block that made it; for outputs in the mempool the height of the next block. */
  readonly height: number;
  readonly coinbase: boolean;
}

/** Where coins are looked up. */
export interface CoinView {
  /** The coin, unless it never was or is spent. */
  coin(outPoint: OutPoint): Coin | undefined;
}

/** What a transaction's outputs are as coins; those that nobody can spend are none. */
export function coinsOf(tx: Transaction, txid: Txid, height: number): readonly Coin[] {
  const coinbase = isCoinbase(tx);
  return tx.outputs.flatMap((output, index) =>
    isUnspendable(output.script) ? [] : [{ outPoint: { txid, index }, output, height, coinbase }],
  );
}

/** Coins by outpoint. */
export class CoinSet implements CoinView {
  readonly #coins = new Map<string, Coin>();

  coin(outPoint: OutPoint): Coin | undefined {
    return this.#coins.get(outPointKey(outPoint));
  }

  add(coin: Coin): void {
    this.#coins.set(outPointKey(coin.outPoint), coin);
  }

  remove(outPoint: OutPoint): void {
    this.#coins.delete(outPointKey(outPoint));
  }

  /** All coins. */
  values(): Iterable<Coin> {
    return this.#coins.values();
  }
}

/** Other coins, with changes that can be thrown away. */
export class CoinOverlay implements CoinView {
  readonly #below: CoinView;
  /** What was added (a coin) and spent (`undefined`). */
  readonly #changes = new Map<string, Coin | undefined>();

  constructor(below: CoinView) {
    this.#below = below;
  }

  coin(outPoint: OutPoint): Coin | undefined {
    const key = outPointKey(outPoint);
    return this.#changes.has(key) ? this.#changes.get(key) : this.#below.coin(outPoint);
  }

  add(coin: Coin): void {
    this.#changes.set(outPointKey(coin.outPoint), coin);
  }

  remove(outPoint: OutPoint): void {
    this.#changes.set(outPointKey(outPoint), undefined);
  }
}
