import { crypto } from "@fulmen/bitcoin/crypto";
import {
  equalBytes,
  type OutPoint,
  outPointKey,
  type Sat,
  type Txid,
  txidToInternal,
} from "@fulmen/bitcoin/primitives";
import { encodeTypedSignature, hash160, p2pkh, p2wpkh } from "@fulmen/bitcoin/script";
import { segwitV0Sighash, sighashAll } from "@fulmen/bitcoin/sighash";
import {
  ByteReader,
  decodeTransaction,
  encodeTransaction,
  readTxOut,
  type Transaction,
  type TxOut,
  txid,
} from "@fulmen/bitcoin/transaction";
import * as ldk from "lightningdevkit";

interface Coin {
  readonly outPoint: OutPoint;
  readonly value: Sat;
}

/** Weight of a P2WPKH witness with the longest signature, and of the empty script's length. */
const satisfactionWeight = 113n;

/**
 * One P2WPKH key with the confirmed coins that pay to it: what LDK's fee bumping needs, and no more. `source` signs
 * the PSBTs that LDK hands it; inputs of other scripts are LDK's own to sign.
 */
export class LdkWallet {
  readonly script: Uint8Array;
  readonly source: ldk.WalletSource;
  readonly #key: Uint8Array;
  readonly #pubkey: Uint8Array;
  readonly #coins = new Map<string, Coin>();
  /** Coins that confirmed transactions have spent, by these. */
  readonly #spent = new Map<Txid, readonly Coin[]>();

  /** `key`: 32 bytes. */
  constructor(key: Uint8Array) {
    this.#key = key;
    this.#pubkey = crypto().publicKey(key);
    this.script = p2wpkh(hash160(this.#pubkey));
    this.source = ldk.WalletSource.new_impl({
      list_confirmed_utxos: () => ldk.Result_CVec_UtxoZNoneZ.constructor_ok(this.#utxos()),
      get_change_script: () => ldk.Result_CVec_u8ZNoneZ.constructor_ok(this.script),
      sign_psbt: (psbt) => {
        // An exception must not cross WebAssembly.
        try {
          return ldk.Result_TransactionNoneZ.constructor_ok(this.#sign(psbt));
        } catch (error) {
          console.error("sign_psbt", error);
          return ldk.Result_TransactionNoneZ.constructor_err();
        }
      },
    });
  }

  /** Takes up the coins of a confirmed transaction, and drops those that it spends. */
  confirm(tx: Transaction): void {
    const id = txid(tx);
    const spent: Coin[] = [];
    for (const { outPoint } of tx.inputs) {
      const coin = this.#coins.get(outPointKey(outPoint));
      if (coin === undefined) continue;
      spent.push(coin);
      this.#coins.delete(outPointKey(outPoint));
    }
    if (spent.length > 0) this.#spent.set(id, spent);
    for (const [index, { value, script }] of tx.outputs.entries()) {
      const outPoint = { txid: id, index };
      if (equalBytes(script, this.script)) this.#coins.set(outPointKey(outPoint), { outPoint, value });
    }
  }

  /** Takes a transaction back: what it spent is there again, and what it made is not. */
  unconfirm(id: Txid): void {
    for (const [key, { outPoint }] of this.#coins) if (outPoint.txid === id) this.#coins.delete(key);
    for (const coin of this.#spent.get(id) ?? []) this.#coins.set(outPointKey(coin.outPoint), coin);
    this.#spent.delete(id);
  }

  #utxos(): ldk.Utxo[] {
    return Array.from(this.#coins.values(), ({ outPoint, value }) =>
      ldk.Utxo.constructor_new(
        ldk.OutPoint.constructor_new(txidToInternal(outPoint.txid), outPoint.index),
        ldk.TxOut.constructor_new(value, this.script),
        satisfactionWeight,
      ),
    );
  }

  #sign(psbt: Uint8Array): Uint8Array {
    const { tx, spent } = readPsbt(psbt);
    const inputs = tx.inputs.map((input, index) => {
      const output = spent[index];
      if (output === undefined || !equalBytes(output.script, this.script)) return input;
      const hash = segwitV0Sighash(tx, index, {
        scriptCode: p2pkh(hash160(this.#pubkey)),
        value: output.value,
        type: sighashAll,
      });
      const signature = crypto().ecdsaSign(hash, this.#key);
      return {
        ...input,
        witness: [encodeTypedSignature({ signature, sighashType: sighashAll }), this.#pubkey],
      };
    });
    return encodeTransaction({ ...tx, inputs });
  }
}

interface PsbtParts {
  readonly tx: Transaction;
  /** Of each input, the output that it spends, where the PSBT names it. */
  readonly spent: readonly (TxOut | undefined)[];
}

/** The fields that matter here of a version 0 PSBT (BIP 174): the unsigned transaction and `PSBT_IN_WITNESS_UTXO`. */
function readPsbt(bytes: Uint8Array): PsbtParts {
  const reader = new ByteReader(bytes);
  const magic = reader.bytes(5);
  if (!equalBytes(magic, Uint8Array.of(0x70, 0x73, 0x62, 0x74, 0xff))) throw new Error("not a PSBT");
  const unsigned = readMap(reader).get(0x00);
  if (unsigned === undefined) throw new Error("a PSBT without its transaction");
  const tx = decodeTransaction(unsigned);
  const spent = tx.inputs.map(() => {
    const output = readMap(reader).get(0x01);
    return output === undefined ? undefined : readTxOut(new ByteReader(output));
  });
  return { tx, spent };
}

/** A PSBT map's values by key type, without those whose key holds more than its type. */
function readMap(reader: ByteReader): Map<number, Uint8Array> {
  const fields = new Map<number, Uint8Array>();
  for (let key = reader.varBytes(); key.length > 0; key = reader.varBytes()) {
    const value = reader.varBytes();
    const [type] = key;
    if (key.length === 1 && type !== undefined) fields.set(type, value);
  }
  return fields;
}
