import { z } from "@hono/zod-openapi";
import { PageLimit, PageStart, SignedMsat, Timestamp } from "./values.ts";

/** Something that happened, once. The amounts of its postings add up to nothing. */
export const LedgerEntry = z
  .strictObject({
    index: z.int().openapi({ description: "Counts up from 1." }),
    at: Timestamp,
    kind: z.string().openapi({ example: "payment-sent" }),
    postings: z.array(
      z.strictObject({ account: z.string().openapi({ example: "wallet" }), amountMsat: SignedMsat }),
    ),
    reference: z.string().openapi({ description: "The payment hash, channel id or txid that it is about." }),
    text: z.string(),
  })
  .openapi("LedgerEntry");

/** Which entries are wanted. */
export const LedgerRequest = z
  .strictObject({ limit: PageLimit.optional(), after: PageStart.optional() })
  .openapi("LedgerRequest");

/** A page of entries in their order. */
export const Ledger = z
  .strictObject({
    entries: z.array(LedgerEntry),
    next: z.int().optional().openapi({ description: "`after` of the next page; absent on the last." }),
    accounts: z
      .record(z.string(), SignedMsat)
      .openapi({ description: "What each account has now, over all entries, in millisatoshi." }),
  })
  .openapi("Ledger");
