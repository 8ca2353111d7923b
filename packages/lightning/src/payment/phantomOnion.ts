import { cltvFarFarAway, minCltvExpiryDelta } from "../channel/deadlines.ts";
import { htlcFailBackBuffer, latencyGracePeriod } from "../onchain/deadlines.ts";
import { type FinalPayload, failureOfMalformed, failureOfPayload } from "../onion/index.ts";
import { noBytes } from "../util/bytes.ts";
import type { PaymentHash } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import type { Msat } from "../util/units.ts";
import type { FailureMessage } from "../wire/failureCodes.ts";
import { type ForwardOrder, type OnionReader, readIncomingOnion } from "./incomingOnion.ts";

/** An HTLC that its onion sends on to the phantom behind us. */
export interface PhantomOffer {
  readonly paymentHash: PaymentHash;
  readonly amount: Msat;
  readonly cltvExpiry: number;
  readonly height: number;
  readonly order: ForwardOrder;
}

/** What the phantom makes of its own layer. Without `sharedSecret` it is we who fail the HTLC. */
export type PhantomReading =
  | {
      readonly kind: "receive";
      readonly sharedSecret: Uint8Array;
      readonly payload: FinalPayload;
      /** What the HTLC to the phantom would have been. */
      readonly offered: { readonly amount: Msat; readonly cltvExpiry: number };
    }
  | {
      readonly kind: "fail";
      readonly sharedSecret: Uint8Array | undefined;
      readonly failure: FailureMessage;
    };

/** Blocks that are asked for on the way to the phantom, in the hints of its invoices. */
export const phantomCltvExpiryDelta: number = minCltvExpiryDelta;

/** Blocks that are enough: LDK 0.1 asked for no more, and no channel needs them. */
const leastPhantomCltvExpiryDelta = 42;

/**
 * Does in one what we and the phantom would do with a channel between us: checks that the HTLC leaves what we ask for
 * passing it on, no fee and a few blocks, and takes off the phantom's layer of the onion.
 *
 * @ldk lightning::ln::channelmanager::ChannelManager::forwarding_channel_not_found
 */
export function readPhantomOnion(offer: PhantomOffer, phantom: OnionReader): PhantomReading {
  const refused = checkTerms(offer);
  if (refused !== undefined) return { kind: "fail", sharedSecret: undefined, failure: refused };
  const { amountToForward: amount, outgoingCltv: cltvExpiry, layer } = offer.order;
  const onion = { packet: layer.onion, paymentHash: offer.paymentHash, pathKey: undefined };
  const reading = readIncomingOnion({ ...onion, amount, cltvExpiry }, phantom);
  if (reading.kind === "malformed") {
    // The phantom would have told us, and we the payer (BOLT 2, "Removing an HTLC").
    const failure = present(failureOfMalformed(reading.malformed), "a failure of a bad onion");
    return { kind: "fail", sharedSecret: undefined, failure };
  }
  const { sharedSecret, blinded } = reading.back;
  if (reading.kind === "fail") return { kind: "fail", sharedSecret, failure: reading.failure };
  if (reading.kind === "receive" && blinded === undefined) {
    return { kind: "receive", sharedSecret, payload: reading.payload, offered: { amount, cltvExpiry } };
  }
  // Behind the phantom there is nobody, and it hands out no blinded paths.
  return { kind: "fail", sharedSecret, failure: failureOfPayload({ type: 0n, offset: 0 }) };
}

function checkTerms({ amount, cltvExpiry, height, order }: PhantomOffer): FailureMessage | undefined {
  const { amountToForward, outgoingCltv } = order;
  const channelUpdate = noBytes;
  if (amount < amountToForward) return { type: "fee_insufficient", htlcMsat: amount, channelUpdate };
  if (cltvExpiry < outgoingCltv + leastPhantomCltvExpiryDelta) {
    return { type: "incorrect_cltv_expiry", cltvExpiry, channelUpdate };
  }
  if (cltvExpiry <= height + htlcFailBackBuffer || outgoingCltv <= height + latencyGracePeriod) {
    return { type: "expiry_too_soon", channelUpdate };
  }
  return cltvExpiry > height + cltvFarFarAway ? { type: "expiry_too_far" } : undefined;
}
