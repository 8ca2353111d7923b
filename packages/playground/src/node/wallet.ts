import { networks } from "@fulmen/bitcoin/network";
import type { Transaction, TxOut } from "@fulmen/bitcoin/transaction";
import type { EntropySource, KVStore } from "@fulmen/lightning/chain";
import { blockHeight, feeratePerKw } from "@fulmen/lightning/util";
import { accountFromSeed, Wallet } from "@fulmen/wallet";

/** 2 satoshis per virtual byte. */
const feerate = feeratePerKw(500);

/** The wallet of this seed, as the node's store remembers it. */
export async function openWallet(
  seed: Uint8Array,
  store: KVStore,
  { entropySource, height }: { readonly entropySource: EntropySource; readonly height: number },
): Promise<Wallet> {
  const account = accountFromSeed(seed, { kind: "wpkh", network: networks.regtest });
  const rows = await store.scan("wallet/", undefined, 100_000);
  const opened = Wallet.open({ accounts: [account], entropySource, birthday: blockHeight(height) }, rows);
  if (!opened.ok) throw new Error(`the wallet cannot be opened: ${opened.error.text}`);
  return opened.value;
}

/** A signed transaction, not broadcast, that pays to `output`. Throws when the confirmed coins do not suffice. */
export function fund(wallet: Wallet, output: TxOut): Transaction {
  const funded = wallet.fundTransaction({ outputs: [output], feerate, confirmedOnly: true });
  if (!funded.ok) {
    const { error } = funded;
    const numbers =
      error.kind === "insufficient-funds"
        ? `the wallet has ${error.available} confirmed sat, ${error.needed} are needed`
        : error.kind;
    throw new Error(numbers);
  }
  const signed = wallet.signPsbt(funded.value.psbt);
  if (!signed.ok) throw new Error(`the wallet does not sign: ${signed.error.kind}`);
  return signed.value;
}
