export type { ChildRequest } from "./build/child.ts";
export type { DrainRequest, FundRequest } from "./build/fund.ts";
export { finalizePsbt, type PsbtRefusal } from "./build/psbt.ts";
export type { WalletRefusal } from "./build/refusal.ts";
export type { ReplacementRequest } from "./build/replacement.ts";
export type { FundedTransaction } from "./build/workbench.ts";
export {
  Account,
  type AccountChoice,
  accountFromDescriptor,
  accountFromExtendedKey,
  accountFromSeed,
  type DescriptorRefusal,
  type Keychain,
  type ScriptKind,
} from "./descriptor/index.ts";
export type {
  Coin,
  Lock,
  LockId,
  Place,
  Position,
  WalletBalance,
  WalletStorageRefusal,
  WalletTransaction,
} from "./ledger/index.ts";
export { Wallet, type WalletAddress, type WalletOptions } from "./wallet.ts";
