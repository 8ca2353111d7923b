import type { Txid } from "@fulmen/bitcoin/primitives";
import type { BlockLocator, KvEntry } from "@fulmen/lightning/chain";
import { DecodeError, decode, RecordTooNewError } from "@fulmen/lightning/codec";
import { err, ok, type Result } from "@fulmen/lightning/util";
import type { WalletTransaction } from "./coins.ts";
import type { KeychainState } from "./keyring.ts";
import {
  keysKey,
  type LedgerState,
  type LedgerTerms,
  lockPrefix,
  tipKey,
  transactionPrefix,
} from "./ledger.ts";
import type { Lock, LockId } from "./locks.ts";
import { type KeysRecord, keysRecord, lockRecord, tipRecord, transactionRecord } from "./records.ts";

/** Why stored rows do not make this wallet. */
export interface WalletStorageRefusal {
  readonly kind: /** The bytes of a row are not what was written. */
    | "corrupt"
    /** There are rows, but not the one that says whose they are. */
    | "missing"
    /** Written by a newer version, which says that this one must not read it. */
    | "from-the-future"
    /** The rows are of a wallet on another network. */
    | "wrong-network"
    /** The rows are of a wallet with other accounts. */
    | "wrong-accounts";
  /** The row's key. */
  readonly key: string;
  readonly text: string;
}

/** Reads the rows of a wallet, their keys without its prefix; `undefined` when there are none. */
export function readLedger(
  entries: readonly KvEntry[],
  terms: LedgerTerms,
): Result<LedgerState | undefined, WalletStorageRefusal> {
  if (entries.length === 0) return ok(undefined);
  let keys: KeysRecord | undefined;
  let tip: BlockLocator | undefined;
  const transactions: WalletTransaction[] = [];
  const locks: Lock[] = [];
  for (const { key, value } of entries) {
    try {
      if (key === keysKey) keys = decode(keysRecord, value);
      else if (key === tipKey) tip = decode(tipRecord, value);
      else if (key.startsWith(transactionPrefix)) {
        const txid = key.slice(transactionPrefix.length) as Txid;
        transactions.push({ txid, ...decode(transactionRecord, value) });
      } else if (key.startsWith(lockPrefix)) {
        locks.push({ id: key.slice(lockPrefix.length) as LockId, ...decode(lockRecord, value) });
      } else return err({ kind: "from-the-future", key, text: `no row of this version: ${key}` });
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      const kind = error instanceof RecordTooNewError ? "from-the-future" : "corrupt";
      return err({ kind, key, text: error.message });
    }
  }
  if (keys === undefined)
    return err({ kind: "missing", key: keysKey, text: "the row of the scripts is missing" });
  const refusal = ownershipRefusal(keys, terms);
  if (refusal !== undefined) return err(refusal);
  const { unpaid = [] } = keys;
  const keychains = keys.keychains.map((one, i) => withUnpaid(one, unpaid[i]));
  return ok({ keychains, tip, transactions, locks });
}

function withUnpaid(keychain: KeychainState, unpaid: number | undefined): KeychainState {
  return unpaid === undefined ? keychain : { ...keychain, unpaid: Math.min(unpaid, keychain.next) };
}

function ownershipRefusal(
  { chain, descriptors }: KeysRecord,
  { accounts }: LedgerTerms,
): WalletStorageRefusal | undefined {
  const [first] = accounts;
  if (first !== undefined && first.network.genesisHash !== chain) {
    const text = `the rows are of a wallet on the chain ${chain}, not on ${first.network.name}`;
    return { kind: "wrong-network", key: keysKey, text };
  }
  const ours = accounts.map(({ descriptor }) => descriptor);
  if (ours.join() === descriptors.join()) return undefined;
  const text = `the rows are of the accounts ${descriptors.join(", ")}, not of ${ours.join(", ")}`;
  return { kind: "wrong-accounts", key: keysKey, text };
}
