import { fromHex } from "@fulmen/bitcoin/primitives";
import {
  BitcoinDecodeError,
  decodeTransaction,
  encodeTransaction,
  type Transaction,
  type TxOut,
} from "@fulmen/bitcoin/transaction";
import { err, ok, type Result, type Sat } from "@fulmen/lightning/util";
import { Transaction as Psbt, type TxOpts } from "@scure/btc-signer/transaction.js";
import type { Coin, Keyring, Place } from "../ledger/index.ts";
import type { Draft } from "./draft.ts";

/** Any scripts and versions: what may be spent and paid is decided elsewhere. */
const lenient: TxOpts = {
  allowUnknownInputs: true,
  allowUnknownOutputs: true,
  allowUnknownVersion: true,
  allowLegacyWitnessUtxo: true,
  disableScriptCheck: true,
};

/** What a PSBT (BIP 174, BIP 370) says. */
export interface ReadPsbt {
  /** Without scripts and witnesses. */
  readonly transaction: Transaction;
  readonly inputs: readonly PsbtInput[];
}

export interface PsbtInput {
  /** The output that is spent, where the PSBT has it. */
  readonly spent: TxOut | undefined;
  /** The signature that is asked for; `undefined` for the usual one. */
  readonly sighashType: number | undefined;
}

/** Why a PSBT is not read, or makes no transaction yet. */
export type PsbtRefusal =
  | { readonly kind: "malformed-psbt"; readonly text: string }
  /** Signatures are missing. */
  | { readonly kind: "incomplete"; readonly text: string };

/**
 * The PSBT of a draft, for any signer: spent outputs (for P2WPKH with the transactions that they are of, as hardware
 * asks), and keys with their derivation for inputs and change.
 */
export function exportPsbt(
  { transaction, spent, changeIndex }: Draft,
  keyring: Keyring,
  previous: (coin: Coin) => Transaction,
): Uint8Array {
  const { version, locktime, inputs, outputs } = transaction;
  const psbt = new Psbt({ ...lenient, version, lockTime: locktime });
  for (const [index, coin] of spent.entries()) {
    const { outPoint, output } = coin;
    const isTaproot = keyring.account(coin.place).kind === "tr";
    psbt.addInput({
      txid: fromHex(outPoint.txid),
      index: outPoint.index,
      sequence: inputs[index]?.sequence ?? 0,
      witnessUtxo: { script: output.script, amount: output.value },
      ...(isTaproot ? {} : { nonWitnessUtxo: encodeTransaction(previous(coin)) }),
      ...keysOf(coin.place, keyring),
    });
  }
  for (const [index, { script, value }] of outputs.entries()) {
    const place = index === changeIndex ? keyring.place(script) : undefined;
    psbt.addOutput({ script, amount: value, ...(place === undefined ? {} : keysOf(place, keyring)) });
  }
  return psbt.toPSBT();
}

/** Reads a PSBT of any version. */
export function readPsbt(bytes: Uint8Array): Result<ReadPsbt, PsbtRefusal> {
  return attempt("malformed-psbt", () => {
    const psbt = Psbt.fromPSBT(bytes, lenient);
    const transaction = unsigned(psbt);
    const inputs = transaction.inputs.map(({ outPoint }, index) => {
      const { witnessUtxo, nonWitnessUtxo, sighashType } = psbt.getInput(index);
      const output = witnessUtxo ?? nonWitnessUtxo?.outputs[outPoint.index];
      const spent = output && { value: output.amount as Sat, script: Uint8Array.from(output.script) };
      return { spent, sighashType };
    });
    return { transaction, inputs };
  });
}

/** The transaction of a PSBT that others have signed. */
export function finalizePsbt(bytes: Uint8Array): Result<Transaction, PsbtRefusal> {
  const read = attempt("malformed-psbt", () => Psbt.fromPSBT(bytes, lenient));
  if (!read.ok) return read;
  return attempt("incomplete", () => {
    read.value.finalize();
    return decodeTransaction(read.value.extract());
  });
}

function unsigned(psbt: Psbt): Transaction {
  const { version, locktime, inputs, outputs } = decodeTransaction(psbt.toBytes(false, false));
  return { version, locktime, inputs, outputs };
}

/** The library throws plain errors on bytes that it does not take. */
function attempt<T>(kind: PsbtRefusal["kind"], read: () => T): Result<T, PsbtRefusal> {
  try {
    return ok(read());
  } catch (cause) {
    const text = cause instanceof BitcoinDecodeError || cause instanceof Error ? cause.message : "no PSBT";
    return err({ kind, text });
  }
}

/** Which key of which master key spends a script of ours (BIP 174, BIP 371). */
function keysOf(place: Place, keyring: Keyring) {
  const account = keyring.account(place);
  const { keychain, index } = place;
  const pubkey = account.publicKey(keychain, index);
  const derivation = account.derivation(keychain, index);
  if (account.kind === "wpkh") {
    if (derivation === undefined) return {};
    const { fingerprint, path } = derivation;
    return { bip32Derivation: [[pubkey, { fingerprint, path: [...path] }] as [Uint8Array, Derivation]] };
  }
  const tapInternalKey = pubkey.subarray(1);
  if (derivation === undefined) return { tapInternalKey };
  const { fingerprint, path } = derivation;
  const der = { fingerprint, path: [...path] };
  return {
    tapInternalKey,
    tapBip32Derivation: [[tapInternalKey, { hashes: [], der }] as [Uint8Array, TapDerivation]],
  };
}

interface Derivation {
  fingerprint: number;
  path: number[];
}

interface TapDerivation {
  hashes: Uint8Array[];
  der: Derivation;
}
