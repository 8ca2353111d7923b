import { z } from "@hono/zod-openapi";

/*
 * The values that others are made of. Amounts are decimal strings whose unit is in the name of the field that holds
 * them, since a JSON number loses digits above 2^53; times are whole seconds since 1970.
 */

const hex = (bytes: number): z.ZodString =>
  z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`), `is ${bytes} bytes as lower-case hex`);

/** Thousandths of a satoshi. */
export const Msat = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,19})$/, "is whole millisatoshi as decimal digits")
  // As texts of one length they compare as numbers do.
  .refine((text) => text.length < 20 || text <= "18446744073709551615", "is at most 2^64 - 1")
  .openapi("Msat", { description: "Millisatoshi as a decimal string.", example: "250000" });

/** Msat that may be negative: a change of a balance. */
export const SignedMsat = z
  .string()
  .regex(/^(0|-?[1-9][0-9]{0,19})$/, "is whole millisatoshi as decimal digits")
  .openapi("SignedMsat", {
    description: "Millisatoshi as a decimal string, with a sign.",
    example: "-250000",
  });

/** Satoshi. */
export const Sat = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,15})$/, "is whole satoshi as decimal digits")
  .openapi("Sat", { description: "Satoshi as a decimal string.", example: "100000" });

/** Satoshi that may be negative: what a transaction changed. */
export const SignedSat = z
  .string()
  .regex(/^(0|-?[1-9][0-9]{0,15})$/, "is whole satoshi as decimal digits")
  .openapi("SignedSat", { description: "Satoshi as a decimal string, with a sign.", example: "-100000" });

/** What a transaction pays: sat per 1000 units of weight; 250 are 1 sat per virtual byte. */
export const FeeratePerKw = z
  .int()
  .min(253)
  .max(1_000_000)
  .openapi("FeeratePerKw", { description: "Sat per 1000 units of weight; 250 are 1 sat/vB.", example: 1000 });

/** The output of a transaction. */
export const OutPoint = z.strictObject({ txid: z.string(), output: z.int() }).openapi("OutPoint");

/** Seconds since 1970. */
export const Timestamp = z
  .int()
  .min(0)
  .openapi("Timestamp", { description: "Seconds since 1970.", example: 1_764_000_000 });

/** The height of a block. */
export const Height = z
  .int()
  .min(0)
  .openapi("Height", { description: "Height of a block.", example: 850_000 });

/** A node's public key. */
export const NodeId = z
  .string()
  .regex(/^0[23][0-9a-f]{64}$/, "is a node's id: 66 hexadecimal digits that begin with 02 or 03")
  .openapi("NodeId", { description: "A node's public key: 33 bytes as hex." });

/** A channel's id (BOLT 2). */
export const ChannelId = hex(32).openapi("ChannelId", { description: "32 bytes as hex (BOLT 2)." });

/** A transaction's id, in the order that explorers show. */
export const Txid = hex(32).openapi("Txid", {
  description: "32 bytes as hex, in the order that explorers show.",
});

/** SHA-256 of the preimage that proves a payment. */
export const PaymentHash = hex(32).openapi("PaymentHash", { description: "32 bytes as hex." });

/** What proves a payment. */
export const Preimage = hex(32).openapi("Preimage", {
  description: "32 bytes as hex: the proof of a payment.",
});

/** Names a payment of this node. */
export const PaymentName = z
  .string()
  .regex(/^[0-9a-zA-Z_-]{1,80}$/, "is the id of a payment")
  .openapi("PaymentName", { description: "Names a payment of this node." });

/** Block, transaction and output of a channel's funding. */
export const ShortChannelId = z
  .string()
  .regex(/^[0-9]{1,8}x[0-9]{1,8}x[0-9]{1,5}$/, "is <block>x<transaction>x<output>")
  .openapi("ShortChannelId", {
    description: "Block, transaction and output of a channel's funding.",
    example: "850000x1234x0",
  });

/** A network that the node can be on. */
export const NetworkName = z
  .enum(["mainnet", "testnet4", "signet", "regtest"])
  .openapi("Network", { description: "The Bitcoin network." });

/** What every refusal looks like. */
export const ApiError = z
  .strictObject({
    error: z.strictObject({
      code: z
        .string()
        .openapi({ description: "Stays the same from version to version.", example: "token-expired" }),
      message: z.string().openapi({ description: "What happened, with the numbers." }),
      remedy: z.string().openapi({ description: "What to do about it." }),
      details: z
        .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
        .optional()
        .openapi({ description: "The numbers by name; amounts are decimal strings." }),
    }),
  })
  .openapi("Error");

/** A number in a query, as it stands there. */
export const queryInteger = (least: number, most: number) =>
  z
    .string()
    .regex(/^[0-9]{1,15}$/, "is a whole number")
    .transform(Number)
    .refine((value) => value >= least && value <= most, `is from ${least} to ${most}`);

/** How many rows a page has. */
export const PageLimit = queryInteger(1, 1000).openapi({
  type: "integer",
  description: "Rows on a page: 1 to 1000, 100 unless told.",
});

/** Where a page goes on. */
export const PageStart = queryInteger(0, Number.MAX_SAFE_INTEGER).openapi({
  type: "integer",
  description: "Where to go on: `next` of the page before.",
});
