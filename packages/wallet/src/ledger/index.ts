export { balanceOf, isMature, type WalletBalance } from "./balance.ts";
export type { Coin, CoinView, Position, WalletTransaction } from "./coins.ts";
export type { Keyring, Place } from "./keyring.ts";
export { finalDepth, Ledger } from "./ledger.ts";
export { type Bid, claimLock, holding, isClaimLock, type Lock, type LockId } from "./locks.ts";
export { readLedger, type WalletStorageRefusal } from "./restore.ts";
