import { z } from "@hono/zod-openapi";
import { FeeratePerKw, Height, Sat, SignedSat, Txid } from "./values.ts";

/** A new address of the wallet. */
export const Address = z.strictObject({ address: z.string() }).openapi("Address");

const SpendReserve = z.boolean().optional().openapi({
  description:
    "Also spend what is kept to close channels when fees are high: they may close too late then, and lose money.",
});

/** Coins that are to leave the wallet. */
export const SendOnchainRequest = z
  .strictObject({
    address: z.string().min(1).max(120),
    amountSat: z
      .union([Sat, z.literal("all")])
      .openapi({ description: "`all` is everything that is not reserved." }),
    feeratePerKw: FeeratePerKw.optional(),
    spendReserve: SpendReserve,
  })
  .openapi("SendOnchainRequest");

/** A transaction that is to pay more, so that it confirms sooner. */
export const BumpRequest = z
  .strictObject({ txid: Txid, feeratePerKw: FeeratePerKw, spendReserve: SpendReserve })
  .openapi("BumpRequest");

/** A transaction of the wallet. */
export const WalletTransaction = z
  .strictObject({
    txid: Txid,
    changeSat: SignedSat.openapi({ description: "What it gave to the wallet, below zero when it took." }),
    feeSat: Sat.optional().openapi({ description: "Known where all inputs are ours." }),
    height: Height.optional(),
    confirmations: z.int(),
    isReplaceable: z.boolean(),
  })
  .openapi("WalletTransaction");

/** All transactions of the wallet, the newest first. */
export const WalletTransactions = z
  .strictObject({ transactions: z.array(WalletTransaction) })
  .openapi("WalletTransactions");

/** A copy of what a seed does not know. */
export const Backup = z
  .strictObject({
    fileName: z.string(),
    contentBase64: z.string().openapi({ description: "The file's bytes." }),
  })
  .openapi("Backup");
