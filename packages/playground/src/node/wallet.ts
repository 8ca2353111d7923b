import { type OutPoint, outPointKey, type Sat } from "@fulmen/bitcoin/primitives";
import { dustLimit } from "@fulmen/bitcoin/script";
import { type Transaction, type TxOut, weight } from "@fulmen/bitcoin/transaction";
import type { KeysManager } from "@fulmen/lightning/sign";
import { feeOf, feeratePerKw, sat, sum } from "@fulmen/lightning/util";
import type { ChainService } from "../chain/chainService.ts";
import type { Caller } from "../rpc/call.ts";

/** Weight of the witness of a P2WPKH input: counts, signature of up to 72 bytes, key. */
const witnessWeight = 1 + 1 + 72 + 1 + 33;
/** 2 satoshis per virtual byte. */
const feerate = feeratePerKw(500);

/** The coins that pay to the keys manager's two scripts: just enough of a wallet to fund channels from. */
export class Wallet {
  readonly #keys: KeysManager;
  readonly #chain: Caller<ChainService>;
  /** What transactions spend that are not broadcast yet. */
  readonly #reserved = new Set<string>();

  constructor(keys: KeysManager, chain: Caller<ChainService>) {
    this.#keys = keys;
    this.#chain = chain;
  }

  /** Where coins come from outside, and where those of closed channels go. */
  get scripts(): readonly [destination: Uint8Array, shutdown: Uint8Array] {
    return [this.#keys.destinationScript(new Uint8Array(32)), this.#keys.shutdownScript()];
  }

  /** All coins that nothing spends, confirmed or not. */
  async balance(): Promise<Sat> {
    const coins = await this.#chain.call("unspent", this.scripts);
    return sum(coins.map(({ output }) => output.value));
  }

  /** A signed transaction, not broadcast, whose output 0 is `output`. Throws when the confirmed coins do not suffice. */
  async fund(output: TxOut): Promise<Transaction> {
    const all = await this.#chain.call("unspent", this.scripts);
    const coins = all.filter(
      ({ confirmed, outPoint }) => confirmed && !this.#reserved.has(outPointKey(outPoint)),
    );
    const [destination] = this.scripts;
    const inputs = coins.map(({ outPoint }) => inputOf(outPoint));
    const unsigned = { version: 2, locktime: 0, inputs };
    const change = { value: sat(0), script: destination };
    const size = (outputs: readonly TxOut[]) =>
      weight({ ...unsigned, outputs }) + 2 + witnessWeight * inputs.length;
    const have = sum(coins.map(({ output: coin }) => coin.value));
    const fee = feeOf(feerate, size([output, change]));
    if (have < output.value + fee) {
      throw new Error(`the wallet has ${have} confirmed sat, ${output.value + fee} are needed`);
    }
    const left = sat(have - output.value - fee);
    const outputs = left < dustLimit(destination) ? [output] : [output, { ...change, value: left }];
    const transaction: Transaction = { ...unsigned, outputs };
    const witnesses = coins.map(({ output: coin }, index) => {
      const witness = this.#keys.signOwnOutput(transaction, index, coin);
      if (witness === undefined) throw new Error("a coin of the wallet cannot be signed for");
      return witness;
    });
    for (const { outPoint } of inputs) this.#reserved.add(outPointKey(outPoint));
    return {
      ...transaction,
      inputs: inputs.map((input, index) => ({ ...input, witness: witnesses[index] ?? [] })),
    };
  }
}

function inputOf(outPoint: OutPoint): Transaction["inputs"][number] {
  return { outPoint, scriptSig: new Uint8Array(0), sequence: 0xffff_fffd, witness: [] };
}
