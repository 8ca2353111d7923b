import { createHash } from "node:crypto";
import type { Event } from "@fulmen/lightning/handlers";
import { type Bytes32, fromHex, type Msat, type PaymentHash } from "@fulmen/lightning/util";
import { NodeError } from "../api/nodeError.ts";
import type { Payment, ReceiveOptions, ReceiveRequest } from "../api/payments.ts";
import { refuseOnMainnet } from "../config/index.ts";
import { translating } from "../errors/index.ts";
import type { NodeParts } from "../parts/index.ts";

const defaultExpiry = 3_600;

/** Makes an invoice, and remembers it. */
export async function receive(parts: NodeParts, options: ReceiveOptions): Promise<ReceiveRequest> {
  const { manager, journal } = parts;
  const { amount, description = "", descriptionHash, expirySeconds = defaultExpiry, hold = false } = options;
  const isHeld = hold || options.paymentHash !== undefined;
  const { preimage } = options;
  const given = preimage === undefined ? options.paymentHash : hashOfGiven(parts, options, preimage);
  if (given !== undefined && !/^[0-9a-f]{64}$/.test(given)) throw notHex("the payment hash");
  if (descriptionHash !== undefined && !/^[0-9a-f]{64}$/.test(descriptionHash))
    throw notHex("the description's hash");
  const { invoice, paymentHash } = translating(() =>
    manager.createBolt11Invoice({
      ...(amount !== undefined && { amount }),
      description:
        descriptionHash === undefined
          ? description
          : { kind: "hash", hash: fromHex(descriptionHash) as Bytes32 },
      expirySeconds,
      ...(given !== undefined && { paymentHash: given }),
    }),
  );
  const expiresAt = parts.now() + expirySeconds;
  await journal.call(async (transaction) => {
    if ((await transaction.payment(paymentHash)) !== undefined) {
      throw new NodeError(
        "invalid-request",
        `there is an invoice with the payment hash ${paymentHash} already`,
        {
          remedy: "choose a new preimage: one that was used may be known to others",
        },
      );
    }
    transaction.addPayment({
      id: paymentHash,
      kind: "bolt11",
      direction: "received",
      status: "pending",
      ...(amount !== undefined && { amount }),
      createdAt: transaction.at,
      expiresAt,
      ...(description !== "" && { description }),
      paymentHash,
      invoice,
      ...(isHeld && { isHeld }),
      ...(preimage !== undefined && { preimage }),
      attempts: [],
    });
  });
  return { invoice, paymentHash, uri: uriOf(invoice, amount), expiresAt };
}

function hashOfGiven(
  { options: { network } }: NodeParts,
  { hold, paymentHash }: ReceiveOptions,
  preimage: Bytes32,
): PaymentHash {
  refuseOnMainnet(network, "an invoice with a preimage of one's choice");
  if (preimage.length === 32 && hold !== true && paymentHash === undefined) return hashOf(preimage);
  throw new NodeError("invalid-request", "a preimage is 32 bytes, and goes with no hash and no hold", {
    remedy: "give it alone, in full",
  });
}

function hashOf(preimage: Uint8Array): PaymentHash {
  return createHash("sha256").update(preimage).digest("hex") as PaymentHash;
}

function uriOf(invoice: string, amount: Msat | undefined): string {
  // Upper case makes smaller QR codes; an on-chain amount could not say the millisatoshis.
  const sats = amount === undefined || amount % 1_000n !== 0n ? "" : `amount=${bitcoins(amount / 1_000n)}&`;
  return `bitcoin:?${sats}lightning=${invoice.toUpperCase()}`;
}

function bitcoins(sats: bigint): string {
  const decimals = (sats % 100_000_000n).toString().padStart(8, "0").replace(/0+$/, "");
  return `${sats / 100_000_000n}${decimals === "" ? "" : `.${decimals}`}`;
}

/** A payment is here: it is claimed, unless its invoice says that the user decides. Gives whether it waits for that. */
export async function takePayment(
  { manager, journal, background }: NodeParts,
  event: Extract<Event, { kind: "payment-claimable" }>,
): Promise<boolean> {
  const known = await journal.run((transaction) => transaction.payment(event.paymentHash));
  const own = known?.direction === "received" && known.isHeld !== true ? known.preimage : undefined;
  const preimage = event.purpose.paymentPreimage ?? own;
  const isAnotherTime = known !== undefined && known.status === "succeeded" && known.direction === "received";
  if (preimage === undefined || (known?.isHeld === true && !isAnotherTime)) return true;
  manager.claimFunds(preimage as Bytes32);
  background.wake();
  return false;
}

/** Claims a held payment. */
export function claimHeld(
  { manager, background }: NodeParts,
  hash: PaymentHash,
  given: Bytes32 | undefined,
): void {
  const payment = manager.listClaimablePayments().find(({ paymentHash }) => paymentHash === hash);
  const preimage = given ?? payment?.purpose.paymentPreimage;
  if (payment === undefined) throw notHere(hash);
  if (preimage === undefined) {
    throw new NodeError("invalid-request", "the preimage of this payment is not known to the node", {
      remedy: "give the preimage whose SHA-256 is the payment hash",
    });
  }
  if (hashOf(preimage) !== hash) {
    throw new NodeError("invalid-request", "this is not the preimage of this payment", {
      remedy: "give the preimage whose SHA-256 is the payment hash",
    });
  }
  if (!manager.claimFunds(preimage as Bytes32)) throw notHere(hash);
  background.wake();
}

/** Sends a held payment back. */
export async function failHeld(
  { manager, background, journal }: NodeParts,
  hash: PaymentHash,
): Promise<Payment> {
  if (!manager.failHtlcBackwards(hash)) throw notHere(hash);
  background.wake();
  return journal.call(async (transaction) => {
    const payment = await transaction.payment(hash);
    if (payment === undefined) throw notHere(hash);
    const failed: Payment = {
      ...payment,
      status: "failed",
      failure: { code: "refused", text: "it was sent back on request" },
      settledAt: transaction.at,
    };
    transaction.putPayment(failed);
    return failed;
  });
}

function notHere(hash: PaymentHash): NodeError {
  return new NodeError("unknown-payment", `no payment with the hash ${hash} waits to be claimed`, {
    remedy: "list the payments that are held; one that was not claimed in time has gone back",
  });
}

function notHex(what: string): NodeError {
  return new NodeError("invalid-request", `${what} is not 64 lower-case hexadecimal digits`, {
    remedy: "give the SHA-256 in hex",
  });
}
