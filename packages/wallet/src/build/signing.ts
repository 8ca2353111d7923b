import { crypto } from "@fulmen/bitcoin/crypto";
import { equalBytes } from "@fulmen/bitcoin/primitives";
import { encodeTypedSignature, hash160, p2pkh } from "@fulmen/bitcoin/script";
import {
  SighashCache,
  segwitV0Sighash,
  sighashAll,
  sighashDefault,
  taprootSighash,
} from "@fulmen/bitcoin/sighash";
import type { Transaction, TxOut } from "@fulmen/bitcoin/transaction";
import type { EntropySource, SignPsbtRefusal } from "@fulmen/lightning/chain";
import { err, ok, present, type Result } from "@fulmen/lightning/util";
import type { Account } from "../descriptor/index.ts";
import type { Coin, Keyring } from "../ledger/index.ts";
import { type PsbtInput, type ReadPsbt, readPsbt } from "./psbt.ts";

/** What signing looks things up in. */
export interface SigningContext {
  readonly keyring: Keyring;
  readonly entropySource: EntropySource;
  /** The wallet's own record of a coin, spent or not. */
  coin(outPoint: Coin["outPoint"]): Coin | undefined;
}

/** The transaction of a PSBT, with witnesses where it spends coins of the wallet. */
export function signPsbtOf(psbt: Uint8Array, context: SigningContext): Result<Transaction, SignPsbtRefusal> {
  const read = readPsbt(psbt);
  if (!read.ok) return err({ kind: "malformed-psbt", text: read.error.text });
  const checked = checkedInputs(read.value, context);
  if (!checked.ok) return checked;
  const { transaction } = read.value;
  const { prevouts, own } = checked.value;
  const cache = new SighashCache(transaction);
  const inputs = transaction.inputs.map((input, index) => {
    const coin = own[index];
    if (coin === undefined) return input;
    const account = context.keyring.account(coin.place);
    const request = { transaction, index, prevouts, cache, type: read.value.inputs[index]?.sighashType };
    return { ...input, witness: witnessOf(request, { account, coin, entropySource: context.entropySource }) };
  });
  return ok({ ...transaction, inputs });
}

/** All outputs that are spent, and which of them are ours; refused unless the PSBT is right about ours. */
function checkedInputs(
  { transaction, inputs }: ReadPsbt,
  { coin, keyring }: SigningContext,
): Result<
  { readonly prevouts: readonly TxOut[]; readonly own: readonly (Coin | undefined)[] },
  SignPsbtRefusal
> {
  const own = transaction.inputs.map(({ outPoint }) => coin(outPoint));
  if (own.every((each) => each === undefined)) return err({ kind: "nothing-to-sign" });
  const prevouts: TxOut[] = [];
  for (const [inputIndex, input] of inputs.entries()) {
    const ours = own[inputIndex];
    const output = ours?.output ?? input.spent;
    if (output === undefined) {
      return err({
        kind: "malformed-psbt",
        text: `input ${inputIndex}: the output that it spends is missing`,
      });
    }
    prevouts.push(output);
    if (ours === undefined) continue;
    if (isMistaken(input, ours.output)) return err({ kind: "wrong-spent-output", inputIndex });
    const { kind, isWatchOnly } = keyring.account(ours.place);
    if (isWatchOnly) return err({ kind: "watch-only" });
    const { sighashType } = input;
    const isWhole = sighashType === sighashAll || (kind === "tr" && sighashType === sighashDefault);
    if (sighashType !== undefined && !isWhole)
      return err({ kind: "unsafe-sighash", inputIndex, sighashType });
  }
  return ok({ prevouts, own });
}

function isMistaken({ spent }: PsbtInput, output: TxOut): boolean {
  return spent !== undefined && (spent.value !== output.value || !equalBytes(spent.script, output.script));
}

interface InputToSign {
  readonly transaction: Transaction;
  readonly index: number;
  readonly prevouts: readonly TxOut[];
  readonly cache: SighashCache;
  readonly type: number | undefined;
}

interface KeyToSign {
  readonly account: Account;
  readonly coin: Coin;
  readonly entropySource: EntropySource;
}

function witnessOf(request: InputToSign, { account, coin, entropySource }: KeyToSign): readonly Uint8Array[] {
  const { keychain, index } = coin.place;
  const key = present(account.signingKey(keychain, index), "key of an account that is not watch-only");
  const { transaction, index: inputIndex, prevouts, cache } = request;
  try {
    switch (account.kind) {
      case "wpkh": {
        const pubkey = account.publicKey(keychain, index);
        const spend = { scriptCode: p2pkh(hash160(pubkey)), value: coin.output.value, type: sighashAll };
        const sighash = segwitV0Sighash(transaction, inputIndex, spend, cache);
        const signature = crypto().ecdsaSign(sighash, key);
        return [encodeTypedSignature({ signature, sighashType: sighashAll }), pubkey];
      }
      case "tr": {
        const { type = sighashDefault } = request;
        const sighash = taprootSighash(transaction, inputIndex, { prevouts, type }, cache);
        const signature = crypto().schnorrSign(sighash, key, entropySource.randomBytes(32));
        return [type === sighashDefault ? signature : Uint8Array.of(...signature, type)];
      }
    }
  } finally {
    key.fill(0);
  }
}
