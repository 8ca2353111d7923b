import { networks } from "@fulmen/bitcoin";
import { decodeAddress } from "@fulmen/bitcoin/address";
import type { BroadcasterInterface, EntropySource, KVStore } from "@fulmen/lightning/chain";
import { blockHeight, feeratePerKw, sat } from "@fulmen/lightning/util";
import { accountFromSeed, Wallet } from "@fulmen/wallet";

const network = networks.regtest;

/** The wallet of a seed, as a store remembers it. */
export async function openWallet(seed: Uint8Array, store: KVStore, entropySource: EntropySource) {
  const accounts = [
    accountFromSeed(seed, { kind: "tr", network }),
    accountFromSeed(seed, { kind: "wpkh", network }),
  ] as const;
  const rows = await store.scan("wallet/", undefined, 1_000_000);
  const opened = Wallet.open({ accounts, entropySource, birthday: blockHeight(100) }, rows);
  if (!opened.ok) throw new Error(opened.error.text);
  return opened.value;
}

/** An address to be paid to. */
export async function receive(wallet: Wallet, store: KVStore) {
  const { address } = wallet.nextAddress();
  await store.commit(wallet.takeWrites()); // only then show it
  return address;
}

/** Pays 50,000 satoshis. */
export async function pay(
  address: string,
  wallet: Wallet,
  { store, broadcaster }: { store: KVStore; broadcaster: BroadcasterInterface },
) {
  const funded = wallet.fundTransaction({
    outputs: [{ value: sat(50_000), script: decodeAddress(address, network) }],
    feerate: feeratePerKw(1_000), // satoshis per 1,000 weight units: 4 satoshis for a virtual byte
    isReplaceable: true,
  });
  if (!funded.ok) throw new Error(funded.error.kind); // with the numbers, such as `needed` and `available`
  const signed = wallet.signPsbt(funded.value.psbt);
  if (!signed.ok) throw new Error(signed.error.kind);
  wallet.transactionSeen(signed.value);
  await store.commit(wallet.takeWrites()); // only then broadcast
  broadcaster.broadcastTransactions([signed.value], "sweep");
}
