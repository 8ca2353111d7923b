import { randomBytes } from "node:crypto";
import { paymentParameters } from "@fulmen/lightning/routing";
import { msat, type PaymentId, paymentIdOf } from "@fulmen/lightning/util";
import { NodeError } from "../api/nodeError.ts";
import type { Payment, RawSendRequest } from "../api/payments.ts";
import { refuseOnMainnet } from "../config/index.ts";
import type { JournalTransaction } from "../journal/index.ts";
import type { NodeParts } from "../parts/index.ts";
import { giveUp, sendStored } from "./payments.ts";

/** What most nodes ask for at the least. */
const defaultExpiryDelta = 22;

/** Offers one HTLC to a peer. What it gives is stored, and under way. */
export async function beginRawSend(parts: NodeParts, request: RawSendRequest): Promise<Payment> {
  const { manager, journal, options } = parts;
  const { peer, amount, paymentHash, paymentSecret, expiryDelta = defaultExpiryDelta } = request;
  refuseOnMainnet(options.network, "a raw send");
  if (!/^[0-9a-f]{64}$/.test(paymentHash) || (paymentSecret !== undefined && paymentSecret.length !== 32))
    throw invalid("the payment hash or secret is not 32 bytes", "give both in full");
  if (!Number.isInteger(expiryDelta) || expiryDelta < 1 || expiryDelta > 2_016)
    throw invalid(`an expiry delta of ${expiryDelta} blocks is none`, "give a number from 1 to 2,016");
  const hop = manager.listFirstHops().find(({ counterparty }) => counterparty === peer);
  if (hop === undefined)
    throw invalid(`there is no usable channel with ${peer}`, "open one, and wait until it is usable");
  const begin = (transaction: JournalTransaction): Payment =>
    transaction.addPayment({
      id: paymentIdOf(new Uint8Array(randomBytes(32))),
      kind: "spontaneous",
      direction: "sent",
      status: "pending",
      amount,
      createdAt: transaction.at,
      paymentHash,
      payee: peer,
      attempts: [],
    });
  const begun = await journal.call(begin, (late) => void giveUp(journal, late).catch(() => undefined));
  const { shortChannelId } = hop;
  const terms = {
    paymentHash,
    recipientOnion: { ...(paymentSecret !== undefined && { paymentSecret }) },
    routeParameters: {
      paymentParameters: paymentParameters({
        kind: "clear",
        nodeId: peer,
        routeHints: [],
        finalCltvExpiryDelta: expiryDelta,
      }),
      finalValue: amount,
      maxFee: msat(0n),
    },
  };
  const last = { nodeId: peer, shortChannelId, fee: amount, cltvExpiryDelta: expiryDelta };
  await sendStored(parts, begun, () =>
    manager.sendPaymentWithRoute(begun.id as PaymentId, terms, { paths: [{ hops: [last] }] }),
  );
  return begun;
}

function invalid(message: string, remedy: string): NodeError {
  return new NodeError("invalid-request", message, { remedy });
}
