import { crypto } from "@fulmen/bitcoin/crypto";
import { equalBytes, type OutPoint, outPointKey, type Sat } from "@fulmen/bitcoin/primitives";
import { derFromCompact, dustLimit, hash160, p2pkh, p2wpkhOf } from "@fulmen/bitcoin/script";
import { SighashCache, segwitV0Sighash, sighashAll, taggedHash } from "@fulmen/bitcoin/sighash";
import { ByteWriter, type Transaction, type TxIn, type TxOut, weight } from "@fulmen/bitcoin/transaction";
import { type FeeratePerKw, feeOf } from "@fulmen/lightning/util";
import type { Coin, TestChain } from "../chain/index.ts";

/** Weight of a P2WPKH input: outpoint, empty script, sequence; count, signature of up to 72 bytes, key. */
const inputWeight = 4 * 41 + 1 + 73 + 34;
const changeWeight = 4 * 31;

export interface SpendOptions {
  /** 2 when not given. */
  readonly version?: number;
  readonly locktime?: number;
}

export interface FundOptions extends SpendOptions {
  /**
   * Spent before the faucet's coins. Those that pay to the faucet's script are signed, of others nothing is changed.
   */
  readonly inputs?: readonly SpentInput[];
}

/** An input and the output that it spends, confirmed or not. */
export interface SpentInput {
  readonly input: TxIn;
  readonly output: TxOut;
}

/** Nothing more to spend. */
export class FaucetEmptyError extends Error {
  override readonly name = "FaucetEmptyError";
}

/**
 * A wallet of one key that mined coins go to (`new SimulatedChain({ payTo: faucet.script })` or `mine` with `payTo`)
 * and that pays whatever a test asks for: channel fundings, children that bump fees. Its key comes from a seed, and
 * signatures are deterministic.
 */
export class Faucet {
  readonly #key: Uint8Array;
  readonly #pubkey: Uint8Array;
  /** P2WPKH of the only key. */
  readonly script: Uint8Array;
  /** What transactions of this faucet spend, so that the next one does not. */
  readonly #used = new Set<string>();

  constructor(seed = 1) {
    this.#key = taggedHash("fulmen/testkit/faucet", new ByteWriter(4).u32(seed).finish());
    this.#pubkey = crypto().publicKey(this.#key);
    this.script = p2wpkhOf(this.#pubkey);
  }

  /** Confirmed coins that may be spent in the next block and that no transaction of this faucet uses. */
  spendable(chain: TestChain): readonly Coin[] {
    const next = chain.tip.height + 1;
    return chain
      .coins(this.script)
      .filter(({ coinbase, height }) => !coinbase || height + 100 <= next)
      .filter(({ outPoint }) => !this.#used.has(outPointKey(outPoint)))
      .filter(({ outPoint }) => chain.outputSpentBy(outPoint) === undefined);
  }

  /** Sum of `spendable`. */
  balance(chain: TestChain): Sat {
    return this.spendable(chain).reduce((sum, { output }) => sum + output.value, 0n) as Sat;
  }

  /**
   * A signed transaction with `outputs` first, in their order, and change behind them if it is worth it. It is not
   * submitted. Throws `FaucetEmptyError` when the coins do not suffice.
   */
  fund(
    chain: TestChain,
    outputs: readonly TxOut[],
    feerate: FeeratePerKw,
    options: FundOptions = {},
  ): Transaction {
    const { inputs: given = [] } = options;
    const target = outputs.reduce((sum, { value }) => sum + value, 0n);
    let have: bigint = given.reduce((sum, { output }) => sum + output.value, 0n);
    const bare = { version: 2, locktime: 0, inputs: given.map(({ input }) => input), outputs };
    let size = weight(bare) + given.reduce((sum, each) => sum + this.#missingWeight(each), 2);
    const coins: Coin[] = [];
    for (const coin of this.spendable(chain)) {
      if (spendsAny(given, coins) && have >= target + feeOf(feerate, size)) break;
      coins.push(coin);
      have += coin.output.value;
      size += inputWeight;
    }
    if (have < target + feeOf(feerate, size)) throw new FaucetEmptyError(`needs more than ${have} sat`);
    const change = (have - target - feeOf(feerate, size + changeWeight)) as Sat;
    const withChange =
      change >= dustLimit(this.script) ? [...outputs, { value: change, script: this.script }] : outputs;
    for (const { outPoint } of coins) this.#used.add(outPointKey(outPoint));
    const spent = [...given, ...coins.map(({ outPoint, output }) => ({ input: inputOf(outPoint), output }))];
    return this.spend(spent, withChange, options);
  }

  /**
   * A transaction with exactly these inputs and outputs, signed where an input spends the faucet's; the rest is fee.
   */
  spend(spent: readonly SpentInput[], outputs: readonly TxOut[], options: SpendOptions = {}): Transaction {
    const { version = 2, locktime = 0 } = options;
    return this.#sign({ version, locktime, inputs: spent.map(({ input }) => input), outputs }, spent);
  }

  /** Lets coins be spent again that a transaction was to use that is not going to be submitted. */
  release(transaction: Transaction): void {
    for (const { outPoint } of transaction.inputs) this.#used.delete(outPointKey(outPoint));
  }

  #missingWeight({ input, output }: SpentInput): number {
    if (this.#owns(output)) return inputWeight - 4 * 41;
    return input.witness.length === 0 ? 1 : 0;
  }

  #owns({ script }: TxOut): boolean {
    return equalBytes(script, this.script);
  }

  #sign(tx: Transaction, spent: readonly SpentInput[]): Transaction {
    const cache = new SighashCache(tx);
    const scriptCode = p2pkh(hash160(this.#pubkey));
    const inputs = spent.map(({ input, output }, index) => {
      if (!this.#owns(output)) return input;
      const hash = segwitV0Sighash(tx, index, { scriptCode, value: output.value, type: sighashAll }, cache);
      const signature = derFromCompact(crypto().ecdsaSign(hash, this.#key));
      return { ...input, witness: [Uint8Array.of(...signature, sighashAll), this.#pubkey] };
    });
    return { ...tx, inputs };
  }
}

/** A transaction needs an input, even one that pays nothing. */
function spendsAny(given: readonly SpentInput[], coins: readonly Coin[]): boolean {
  return given.length + coins.length > 0;
}

/** An input without its witness, replaceable and without a relative lock. */
export function inputOf(outPoint: OutPoint, sequence = 0xffff_fffd): TxIn {
  return { outPoint, scriptSig: new Uint8Array(0), sequence, witness: [] };
}
