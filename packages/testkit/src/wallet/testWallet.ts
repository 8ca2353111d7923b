import { outPointKey } from "@fulmen/bitcoin/primitives";
import { dustLimit } from "@fulmen/bitcoin/script";
import { type Transaction, type TxOut, weight } from "@fulmen/bitcoin/transaction";
import type {
  ClaimId,
  CoinSelection,
  CoinSelectionRefusal,
  CoinSelectionRequest,
  SignPsbtRefusal,
  Utxo,
} from "@fulmen/lightning/chain";
import { err, type FeeratePerKw, feeOf, ok, type Result, type Sat, sat } from "@fulmen/lightning/util";
import type { Coin, TestChain } from "../chain/index.ts";
import { Faucet, inputOf } from "./faucet.ts";
import { readPsbt } from "./readPsbt.ts";

/** Signature and key, and lengths: script, count, items. */
const satisfactionWeight = 4 + 1 + 73 + 34;
const sequence = 0xffff_fffd;

/**
 * A node's wallet of one key: gives its confirmed coins to claims, the largest first, and signs. Pay to `script` what
 * it is to have. It answers at once, and what it holds for claims outlives the node.
 */
export class TestWallet {
  readonly #chain: TestChain;
  readonly #keys: Faucet;
  readonly #claims = new Map<ClaimId, ReadonlySet<string>>();

  constructor(chain: TestChain, seed: number) {
    this.#chain = chain;
    this.#keys = new Faucet(seed);
  }

  get script(): Uint8Array {
    return this.#keys.script;
  }

  /** Of confirmed coins, held for claims or not. */
  get balance(): Sat {
    return total(this.#chain.coins(this.script).map(({ output }) => output)) as Sat;
  }

  /** All of them, held for claims or not. */
  confirmedCoins(): readonly Utxo[] {
    const coins = this.#chain.coins(this.script);
    return coins.map(({ outPoint, output }) => ({ outPoint, output, satisfactionWeight, sequence }));
  }

  selectConfirmedUtxos(request: CoinSelectionRequest): Result<CoinSelection, CoinSelectionRefusal> {
    const { claimId, mustSpend, mustPayTo, maxTransactionWeight: most } = request;
    const held = this.#claims.get(claimId) ?? new Set();
    const [kept, free, reserved] = this.#coins(claimId, held);
    const coins: Coin[] = [...kept];
    const given = mustSpend.map(({ previousUtxo }) => previousUtxo);
    for (;;) {
      const have = total(given) + total(coins.map(({ output }) => output)) - total(mustPayTo);
      const draft = { request, coins };
      const change = have - feeFor(draft, [...mustPayTo, { value: 0n as Sat, script: this.script }]);
      const hasChange = change >= dustLimit(this.script);
      const needed = feeFor(draft, mustPayTo);
      if (hasChange || (mustPayTo.length > 0 && have >= needed)) {
        const changeOutput = { value: change as Sat, script: this.script };
        const size = weightOf(draft, hasChange ? [...mustPayTo, changeOutput] : mustPayTo);
        if (size > most) return err({ kind: "too-heavy", weight: size, most });
        this.#claims.set(claimId, new Set([...held, ...coins.map(({ outPoint }) => outPointKey(outPoint))]));
        return ok({ confirmedUtxos: coins.map(utxoOf), ...(hasChange && { changeOutput }) });
      }
      const next = free.shift();
      if (next === undefined) {
        const [short, available] = [sat(needed + total(mustPayTo)), sat(have + total(mustPayTo))];
        return err({ kind: "insufficient-funds", needed: short, available, reserved });
      }
      coins.push(next);
    }
  }

  signPsbt(psbt: Uint8Array): Result<Transaction, SignPsbtRefusal> {
    const { transaction, spent } = readPsbt(psbt);
    const inputs = transaction.inputs.map((input, i) => ({
      input,
      output: spent[i] ?? { value: sat(0), script: input.scriptSig },
    }));
    return ok(this.#keys.spend(inputs, transaction.outputs, transaction));
  }

  /** Lets the coins of all other claims go. */
  retainClaims(claimIds: readonly ClaimId[]): void {
    for (const claimId of this.#claims.keys()) if (!claimIds.includes(claimId)) this.#claims.delete(claimId);
  }

  /** Unspent confirmed coins: those of the claim, then those of none, the largest first; and what others hold. */
  #coins(claimId: ClaimId, held: ReadonlySet<string>): readonly [readonly Coin[], Coin[], Sat] {
    const others = new Set<string>();
    for (const [id, keys] of this.#claims) if (id !== claimId) for (const key of keys) others.add(key);
    const mature = this.#chain
      .coins(this.script)
      .filter(({ coinbase, height }) => !coinbase || height + 100 <= this.#chain.tip.height + 1);
    const byValue = mature.toSorted((a, b) => Number(b.output.value - a.output.value));
    const keyed = byValue.map((coin) => ({ coin, key: outPointKey(coin.outPoint) }));
    const kept = keyed.filter(({ key }) => held.has(key)).map(({ coin }) => coin);
    const free = keyed.filter(({ key }) => !held.has(key) && !others.has(key)).map(({ coin }) => coin);
    const reserved = keyed.filter(({ key }) => others.has(key)).map(({ coin }) => coin.output);
    return [kept, free, total(reserved) as Sat];
  }
}

interface Draft {
  readonly request: CoinSelectionRequest;
  readonly coins: readonly Coin[];
}

function feeFor(draft: Draft, outputs: readonly TxOut[]): bigint {
  const { targetFeerate, parent, minimumFee = 0n } = draft.request;
  const own = roundedUp(targetFeerate, weightOf(draft, outputs));
  const deficit = parent === undefined ? 0n : roundedUp(targetFeerate, parent.weight) - parent.fee;
  const fee = own + (deficit > 0n ? deficit : 0n);
  return fee > minimumFee ? fee : minimumFee;
}

function weightOf({ request, coins }: Draft, outputs: readonly TxOut[]): number {
  const inputs = [...request.mustSpend, ...coins.map(utxoOf)];
  const bare = { version: 2, locktime: 0, inputs: inputs.map(({ outPoint }) => inputOf(outPoint)), outputs };
  return inputs.reduce((sum, each) => sum + each.satisfactionWeight - 4, weight(bare) + 2);
}

/** To whole virtual bytes and satoshis: nodes compare fees with virtual bytes. */
function roundedUp(feerate: FeeratePerKw, weightUnits: number): bigint {
  return feeOf(feerate, 4 * Math.ceil(weightUnits / 4)) + 1n;
}

function utxoOf({ outPoint, output }: Coin): Utxo {
  return { outPoint, output, satisfactionWeight, sequence };
}

function total(outputs: readonly TxOut[]): bigint {
  return outputs.reduce((sum, { value }) => sum + value, 0n);
}
