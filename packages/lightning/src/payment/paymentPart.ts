import type { HtlcToSend } from "../channel/disposition.ts";
import { buildPaymentOnion, type PaymentHop } from "../onion/index.ts";
import type { Path } from "../routing/route.ts";
import type { Bytes32 } from "../util/bytes.ts";
import { blockHeight, type ShortChannelId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { type Msat, plus } from "../util/units.ts";
import type { OutboundPayment } from "./outboundPayment.ts";

/** One part of a payment as it goes to the first channel of its path. */
export interface PaymentPart {
  /** Names our channel to the first hop. */
  readonly shortChannelId: ShortChannelId;
  readonly htlc: HtlcToSend;
}

/** The onion did not fit: the path is too long, or the recipient's fields are. */
export interface OnionTooLargeRefusal {
  readonly kind: "onion-too-large";
  readonly text: string;
}

/** The HTLC that starts a payment, or a part of it, along `path`. The last hop's fee is what the payee gets. */
export function partOf(
  payment: OutboundPayment,
  path: Path,
  at: { readonly height: number; readonly sessionKey: Uint8Array },
): Result<PaymentPart, OnionTooLargeRefusal> {
  const { terms, paymentId } = payment;
  const hops = paymentHops(path, at.height);
  const first = present(hops[0], "a hop");
  const { paymentSecret, paymentMetadata, preimage } = terms;
  const onion = buildPaymentOnion({
    hops,
    recipient: {
      totalAmount: terms.amount,
      ...(paymentSecret && { paymentSecret: paymentSecret as Bytes32 }),
      ...(paymentMetadata && { paymentMetadata }),
      ...(preimage && { keysendPreimage: preimage as Bytes32 }),
    },
    paymentHash: terms.paymentHash,
    sessionKey: at.sessionKey,
  });
  if (!onion.ok)
    return err({ kind: "onion-too-large", text: `no onion holds a path of ${hops.length} hops` });
  return ok({
    shortChannelId: first.shortChannelId,
    htlc: {
      amount: first.amount,
      paymentHash: terms.paymentHash,
      cltvExpiry: first.cltvExpiry,
      onion: onion.value.packet,
      source: {
        kind: "local",
        paymentId,
        sessionKey: at.sessionKey,
        sharedSecrets: onion.value.sharedSecrets,
        path: path.hops.map(({ nodeId, shortChannelId }) => ({ nodeId, shortChannelId })),
        amount: present(path.hops.at(-1), "a hop").fee,
      },
    },
  });
}

/** Amounts and expiries of the HTLCs along a path, from the payee backwards: BOLT 7, "HTLC Fees" and "Recommendations for Routing". */
function paymentHops(path: Path, height: number): readonly PaymentHop[] {
  const hops: PaymentHop[] = [];
  let amount = 0n as Msat;
  // One block more than asked for: the next may be mined before the payment arrives.
  let expiry = height + 1;
  for (const hop of path.hops.toReversed()) {
    amount = plus(amount, hop.fee);
    expiry += hop.cltvExpiryDelta;
    hops.push({
      nodeId: hop.nodeId,
      shortChannelId: hop.shortChannelId,
      amount,
      cltvExpiry: blockHeight(expiry),
    });
  }
  return hops.reverse();
}
