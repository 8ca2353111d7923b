import {
  type BadOnion,
  type BadPayloadLength,
  type BlindedFinalPayload,
  type BlindedForwardPayload,
  type BlindedNextHop,
  blindedForwardTerms,
  decodeHopPayload,
  decodePaymentPathId,
  encodeHopPayload,
  type FinalPayload,
  failureOfPayload,
  type HopPayload,
  keepsConstraints,
  type MalformedOnion,
  malformedOnion,
  type PaymentConstraints,
  type PaymentPathId,
  peelOnion,
  readBlindedForward,
  readBlindedReceive,
  type TrampolineEntryPayload,
  type TrampolineForwardPayload,
  type TrampolineToBlindedPathsPayload,
  type UnblindedHop,
  unblindHop,
} from "../onion/index.ts";
import { fromHex, type Point } from "../util/bytes.ts";
import type { BlockHeight, NodeId, PaymentHash } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import type { Msat } from "../util/units.ts";
import type { FailureMessage } from "../wire/failureCodes.ts";
import { invalidOnionBlinding, malformedBlinding, type TrampolineWayBack, type WayBack } from "./wayBack.ts";

/** An HTLC's onion as it came. */
export interface IncomingOnion {
  readonly packet: Uint8Array;
  readonly paymentHash: PaymentHash;
  /** `path_key` of `update_add_htlc`: the peer reached us by a blinded id. */
  readonly pathKey: Point | undefined;
  /** Of the HTLC: a blinded path sets bounds to both, and what goes on follows from them. */
  readonly amount: Msat;
  readonly cltvExpiry: number;
  /** Whether onions within onions are read. */
  readonly acceptsTrampoline?: boolean;
}

/** What the node reads onions with. */
export interface OnionReader {
  readonly nodeId: NodeId;
  /** SHA-256 of the node's private key times the point. */
  ecdh(point: Point): Uint8Array;
  /** By which blinded paths of our own are told from others. */
  receiveAuthKey(): Uint8Array;
}

/** What is to be offered to the next node. */
export interface ForwardOrder {
  readonly amountToForward: Msat;
  readonly outgoingCltv: BlockHeight;
  readonly next: BlindedNextHop;
  /** For the next node, with the path key that it needs within a blinded path. */
  readonly layer: { readonly onion: Uint8Array; readonly pathKey?: Point };
  /** That onion is all that goes to the next node, and is below the first layer of the one that came. */
  readonly isBelowFirst?: true;
}

/** What a trampoline onion sends onward, together with the other parts of the same payment. */
export interface TrampolineOrder {
  readonly way: TrampolineWayBack;
  /** Of the outer onion: what this part was to bring, and by what it is put together with the others. */
  readonly entry: TrampolineEntryPayload;
  readonly payload: TrampolinePayload;
  /** The payload's bytes. */
  readonly payloadBytes: Uint8Array;
  /** For the next trampoline node; absent when blinded paths lead on. */
  readonly packet?: Uint8Array;
  /** For that node, within a blinded path. */
  readonly nextPathKey?: Point;
}

/** What an inner onion tells who is not its end. */
export type TrampolinePayload = TrampolineForwardPayload | TrampolineToBlindedPathsPayload;

/** What the onion says is to become of its HTLC. `back` is the way for what goes back to the payer. */
export type OnionReading =
  | { readonly kind: "forward"; readonly back: WayBack; readonly order: ForwardOrder }
  /** Of a blinded path the payment secret is that of its `path_id`. */
  | { readonly kind: "receive"; readonly back: WayBack; readonly payload: FinalPayload }
  | { readonly kind: "trampoline"; readonly back: WayBack; readonly order: TrampolineOrder }
  /** The payer is told why, or, within a blinded path, that it failed. `reason` is for logs. */
  | {
      readonly kind: "fail";
      readonly back: WayBack;
      readonly failure: FailureMessage;
      readonly reason: string;
    }
  /** Only the peer can be told: `update_fail_malformed_htlc`. */
  | { readonly kind: "malformed"; readonly malformed: MalformedOnion; readonly reason: BadOnion["failure"] };

/**
 * Takes off our layer of an HTLC's onion, or our layers where a blinded path of ours ends in dummies, and reads it
 * (BOLT 4, "Accepting and Forwarding a Payment"). For hops that are not blinded, amounts and expiries are compared with
 * the HTLC's elsewhere.
 *
 * @ldk lightning::ln::onion_payment::decode_incoming_update_add_htlc_onion
 */
export function readIncomingOnion(incoming: IncomingOnion, reader: OnionReader): OnionReading {
  const { packet, pathKey } = incoming;
  return readLayer({ packet, pathKey, back: undefined }, incoming, reader);
}

/** A layer that is for us. */
interface Place {
  readonly packet: Uint8Array;
  readonly pathKey: Point | undefined;
  /** That of the first layer, which is all that the payer and the peer see of us; absent there. */
  readonly back: WayBack | undefined;
}

function readLayer(place: Place, incoming: IncomingOnion, reader: OnionReader): OnionReading {
  const { packet, pathKey } = place;
  const peeled = peelOnion({
    packet,
    associatedData: fromHex(incoming.paymentHash),
    ecdh: (point) => reader.ecdh(point),
    ...(pathKey && { pathKey }),
  });
  if (!peeled.ok) return unreadable(place, peeled.error);
  const { payload, nextPacket, sharedSecret } = peeled.value;
  const context = { isFinal: nextPacket === undefined, hasPathKey: pathKey !== undefined };
  const decoded = decodeHopPayload(payload, context);
  const backIf = (blinded: boolean): WayBack => {
    if (place.back !== undefined) return place.back;
    if (pathKey !== undefined) return { sharedSecret, blinded: "inner" };
    return { sharedSecret, ...(blinded && { blinded: "introduction" as const }) };
  };
  if (!decoded.ok) {
    const { failure, reason } = decoded.error;
    const back = backIf(failure === "invalid_onion_blinding");
    return { kind: "fail", back, failure: failureOfPayload(decoded.error), reason };
  }
  const read = decoded.value;
  switch (read.kind) {
    case "forward": {
      const { amountToForward, outgoingCltv, shortChannelId } = read;
      const next = { kind: "short-channel-id", shortChannelId } as const;
      const layer = { onion: present(nextPacket, "a packet: the onion does not end here") };
      const isWhole = place.back === undefined;
      const order = {
        amountToForward,
        outgoingCltv,
        next,
        layer,
        ...(isWhole && { isBelowFirst: true as const }),
      };
      return { kind: "forward", back: backIf(false), order };
    }
    case "final":
      return { kind: "receive", back: backIf(false), payload: read };
    case "blinded-forward": {
      const key = present(pathKey ?? read.currentPathKey, "the path key of a blinded payload");
      const onion = present(nextPacket, "a packet: the onion does not end here");
      const hop = { payload: read, pathKey: key, back: backIf(true) };
      return forwardBlinded(hop, { incoming, reader, onion });
    }
    case "blinded-final": {
      const key = present(pathKey ?? read.currentPathKey, "the path key of a blinded payload");
      return receiveBlinded({ payload: read, pathKey: key, back: backIf(false) }, incoming, reader);
    }
    case "trampoline-entry":
      // Behind a phantom or a dummy there is no trampoline.
      if (place.back === undefined) return readTrampoline(read, { incoming, reader, back: backIf(false) });
      return misplaced(backIf(false));
    case "trampoline-forward":
    case "trampoline-to-blinded-paths":
      return misplaced(backIf(false));
  }
}

/** A record of an even type that we do not act on. */
function misplaced(back: WayBack): OnionReading {
  const failure = failureOfPayload({ type: 20n, offset: 0 });
  return { kind: "fail", back, failure, reason: "a trampoline onion" };
}

/** The onion within the onion: BOLT 4, "Trampoline Payments". */
function readTrampoline(
  entry: TrampolineEntryPayload,
  at: { readonly incoming: IncomingOnion; readonly reader: OnionReader; readonly back: WayBack },
): OnionReading {
  const { incoming, reader, back: outer } = at;
  if (incoming.acceptsTrampoline !== true) return misplaced(outer);
  const { trampolinePacket: packet, currentPathKey: pathKey } = entry;
  return readInner({ packet, pathKey, way: undefined }, { entry, incoming, reader, outer });
}

/** What is the same for all inner layers that are ours. */
interface InnerOnion {
  readonly entry: TrampolineEntryPayload;
  readonly incoming: IncomingOnion;
  readonly reader: OnionReader;
  readonly outer: WayBack;
}

/** An inner layer that is ours. `way`: that of the first one, which is all that the payer sees of us; absent there. */
interface InnerPlace {
  readonly packet: Uint8Array;
  readonly pathKey: Point | undefined;
  readonly way: TrampolineWayBack | undefined;
}

function readInner(place: InnerPlace, onion: InnerOnion): OnionReading {
  const { pathKey } = place;
  const { entry, incoming, reader, outer } = onion;
  const blinded = pathKey === undefined ? {} : { blinded: "introduction" as const };
  const peeled = peelOnion({
    packet: place.packet,
    associatedData: fromHex(incoming.paymentHash),
    ecdh: (point) => reader.ecdh(point),
    ...(pathKey && { pathKey }),
  });
  if (!peeled.ok) {
    const { error } = peeled;
    const reason = `the trampoline onion: ${error.kind === "bad-onion" ? error.failure : error.kind}`;
    if (error.kind === "bad-payload-length") {
      const back = place.way ?? { ...outer, trampolineSharedSecret: error.sharedSecret, ...blinded };
      return { kind: "fail", back, failure: failureOfPayload({ type: 0n, offset: 0 }), reason };
    }
    const { failure: type, sha256OfOnion } = error;
    const back = place.way ?? { ...outer, ...blinded };
    return { kind: "fail", back, failure: { type, sha256OfOnion }, reason };
  }
  const { payload: payloadBytes, nextPacket: packet, sharedSecret: trampolineSharedSecret } = peeled.value;
  const { sharedSecret } = outer;
  const way = place.way ?? { sharedSecret, trampolineSharedSecret, ...blinded };
  const decoded = decodeTrampolinePayload(payloadBytes, packet, pathKey !== undefined);
  if (!decoded.ok) {
    const failure = failureOfPayload(decoded.error);
    return { kind: "fail", back: way, failure, reason: decoded.error.reason };
  }
  const payload = decoded.value;
  switch (payload.kind) {
    case "final":
      return receiveTrampoline(entry, payload, { incoming, back: way });
    case "trampoline-forward":
    case "trampoline-to-blinded-paths": {
      const order = { way, entry, payload, payloadBytes, ...(packet && { packet }) };
      return { kind: "trampoline", back: way, order };
    }
    case "blinded-forward":
    case "blinded-final": {
      const key = present(pathKey ?? payload.currentPathKey, "the path key of a blinded payload");
      const back = { ...way, blinded: "introduction" as const };
      return payload.kind === "blinded-final"
        ? receiveBlindedTrampoline({ payload, pathKey: key, back }, onion)
        : relayBlindedTrampoline({ payload, pathKey: key, back }, present(packet, "a packet"), onion);
    }
    case "forward":
    case "trampoline-entry": {
      const failure = failureOfPayload({ type: 10n, offset: 0 });
      return { kind: "fail", back: way, failure, reason: `${payload.kind} in a trampoline onion` };
    }
  }
}

/** A hop of a blinded path whose nodes are trampoline nodes. */
interface BlindedTrampolineHop<P> {
  readonly payload: P;
  readonly pathKey: Point;
  readonly back: TrampolineWayBack;
}

/** What all parts bring together, which is what the recipient's terms are about, and when this one expires. */
function wholeOf({ paymentData, amount, outgoingCltv }: TrampolineEntryPayload) {
  return { amount: paymentData?.totalAmount ?? amount, cltvExpiry: outgoingCltv };
}

function relayBlindedTrampoline(
  { payload, pathKey, back }: BlindedTrampolineHop<BlindedForwardPayload>,
  packet: Uint8Array,
  onion: InnerOnion,
): OnionReading {
  const { entry, incoming, reader } = onion;
  const whole = wholeOf(entry);
  const hop = unblind(payload.encryptedRecipientData, pathKey, reader);
  if (hop === undefined) return refused(back, "data that are not for this node");
  const read = readBlindedForward(hop.data);
  if (!read.ok) return refused(back, read.error.reason);
  const { next, relay, constraints, nextPathKeyOverride = hop.nextPathKey } = read.value;
  const { cltvExpiry } = incoming;
  if (!keepsConstraints({ ...whole, cltvExpiry }, constraints))
    return refused(back, "constraints that are not kept");
  // A channel is not the way to a node that may be anywhere.
  if (next.kind !== "node-id") return refused(back, "a trampoline node is to find a channel's end");
  if (next.nodeId === reader.nodeId) {
    // Only dummies of ours lead from us to us.
    if (!hop.isOurs) return refused(back, "a hop to ourselves");
    return readInner({ packet, pathKey: nextPathKeyOverride, way: back }, onion);
  }
  if (hop.isOurs) return refused(back, "a hop of ours that leads elsewhere");
  const terms = blindedForwardTerms(whole, relay);
  if (terms === undefined) return refused(back, "less than the fee or the delta");
  const told: TrampolineForwardPayload = {
    kind: "trampoline-forward",
    amountToForward: terms.amount,
    outgoingCltv: terms.cltvExpiry,
    nextNodeId: next.nodeId,
  };
  const order = {
    way: back,
    entry,
    packet,
    payload: told,
    payloadBytes: encodeHopPayload(told),
    nextPathKey: nextPathKeyOverride,
  };
  return { kind: "trampoline", back, order };
}

function receiveBlindedTrampoline(
  { payload, pathKey, back }: BlindedTrampolineHop<BlindedFinalPayload>,
  { entry, incoming, reader }: InnerOnion,
): OnionReading {
  const { cltvExpiry } = incoming;
  const read = ownPathEnd(payload.encryptedRecipientData, pathKey, reader);
  if (typeof read === "string") return refused(back, read);
  if (!keepsConstraints({ ...wholeOf(entry), cltvExpiry }, read.constraints)) {
    return refused(back, "constraints that are not kept");
  }
  const { amount, outgoingCltv, totalAmount } = payload;
  const paymentData = { paymentSecret: read.paymentSecret, totalAmount };
  const inner = { kind: "final", amount, outgoingCltv, paymentData, customTlvs: [] } as const;
  return receiveTrampoline(entry, inner, { incoming, back });
}

/** The layer of a trampoline onion that is ours; `packet` is what is below it. */
export function decodeTrampolinePayload(
  payload: Uint8Array,
  packet: Uint8Array | undefined,
  hasPathKey = false,
): ReturnType<typeof decodeHopPayload> {
  return decodeHopPayload(payload, { isFinal: packet === undefined, hasPathKey, isTrampoline: true });
}

/**
 * The payment is for us. What the trampoline node before us sends is told by the outer onion, what it is for by the
 * inner one: the payer may have sent it by several trampoline nodes.
 */
function receiveTrampoline(
  entry: TrampolineEntryPayload,
  inner: Extract<HopPayload, { readonly kind: "final" }>,
  { incoming, back }: { readonly incoming: IncomingOnion; readonly back: TrampolineWayBack },
): OnionReading {
  const fail = (failure: FailureMessage, reason: string): OnionReading => {
    return { kind: "fail", back, failure, reason };
  };
  // Without the payer's total nobody could tell that a trampoline node kept most of it.
  if (inner.paymentData === undefined) {
    return fail(failureOfPayload({ type: 8n, offset: 0 }), "a trampoline payment without a secret");
  }
  if (entry.outgoingCltv < inner.outgoingCltv) {
    const { cltvExpiry } = incoming;
    return fail({ type: "final_incorrect_cltv_expiry", cltvExpiry }, "an expiry before the payer's");
  }
  if ((entry.paymentData?.totalAmount ?? entry.amount) < inner.amount) {
    const incomingHtlcAmt = incoming.amount;
    return fail({ type: "final_incorrect_htlc_amount", incomingHtlcAmt }, "less than the payer's amount");
  }
  const payload = { ...inner, amount: entry.amount, outgoingCltv: entry.outgoingCltv };
  return { kind: "receive", back, payload };
}

function unreadable({ pathKey, back }: Place, error: BadOnion | BadPayloadLength): OnionReading {
  if (back !== undefined) return refused(back, `a dummy's layer: ${error.kind}`);
  if (error.kind === "bad-payload-length") {
    const failure = failureOfPayload({ type: 0n, offset: 0 });
    return { kind: "fail", back: { sharedSecret: error.sharedSecret }, failure, reason: error.kind };
  }
  const malformed = pathKey === undefined ? malformedOnion(error) : malformedBlinding;
  return { kind: "malformed", malformed, reason: error.failure };
}

/** Our hop of a blinded path. */
interface BlindedHopRead<P> {
  readonly payload: P;
  readonly pathKey: Point;
  readonly back: WayBack;
}

function forwardBlinded(
  { payload, pathKey, back }: BlindedHopRead<BlindedForwardPayload>,
  at: { readonly incoming: IncomingOnion; readonly reader: OnionReader; readonly onion: Uint8Array },
): OnionReading {
  const { incoming, reader, onion } = at;
  const hop = unblind(payload.encryptedRecipientData, pathKey, reader);
  if (hop === undefined) return refused(back, "data that are not for this node");
  const read = readBlindedForward(hop.data);
  if (!read.ok) return refused(back, read.error.reason);
  const { next, relay, constraints, nextPathKeyOverride = hop.nextPathKey } = read.value;
  if (!keepsConstraints(incoming, constraints)) return refused(back, "constraints that are not kept");
  if (hop.isOurs) {
    // Only dummies are told what nobody else can have written. They cost nothing and lead to their successor.
    const isDummy = next.kind === "node-id" && next.nodeId === reader.nodeId;
    if (!isDummy) return refused(back, "a hop of ours that leads elsewhere");
    return readLayer({ packet: onion, pathKey: nextPathKeyOverride, back }, incoming, reader);
  }
  const terms = blindedForwardTerms(incoming, relay);
  if (terms === undefined) return refused(back, "less than the fee or the delta");
  const layer = { onion, pathKey: nextPathKeyOverride };
  const { amount: amountToForward, cltvExpiry: outgoingCltv } = terms;
  return { kind: "forward", back, order: { amountToForward, outgoingCltv, next, layer } };
}

function receiveBlinded(
  { payload, pathKey, back }: BlindedHopRead<BlindedFinalPayload>,
  incoming: IncomingOnion,
  reader: OnionReader,
): OnionReading {
  const read = ownPathEnd(payload.encryptedRecipientData, pathKey, reader);
  if (typeof read === "string") return refused(back, read);
  if (!keepsConstraints(incoming, read.constraints)) return refused(back, "constraints that are not kept");
  const { amount, outgoingCltv, totalAmount } = payload;
  const paymentData = { paymentSecret: read.paymentSecret, totalAmount };
  return {
    kind: "receive",
    back,
    payload: { kind: "final", amount, outgoingCltv, paymentData, customTlvs: [] },
  };
}

/** What we know a path of ours by; why not, when it is none. */
function ownPathEnd(
  encryptedData: Uint8Array,
  pathKey: Point,
  reader: OnionReader,
): (PaymentPathId & { readonly constraints?: PaymentConstraints }) | string {
  const hop = unblind(encryptedData, pathKey, reader);
  // One that somebody else made would be a way to ask whether we are the recipient behind a path of ours.
  if (hop === undefined || !hop.isOurs) return "a blinded path that is not ours";
  const read = readBlindedReceive(hop.data);
  if (!read.ok) return read.error.reason;
  const { pathId, constraints } = read.value;
  const context = pathId && decodePaymentPathId(pathId);
  if (context === undefined) return "a path for something else";
  return { ...context, ...(constraints && { constraints }) };
}

function unblind(encryptedData: Uint8Array, pathKey: Point, reader: OnionReader): UnblindedHop | undefined {
  return unblindHop({
    pathKey,
    encryptedData,
    ecdh: (point) => reader.ecdh(point),
    ownPathKey: reader.receiveAuthKey(),
  });
}

/** What is wrong with the encrypted data of a blinded path is for our log only. */
function refused(back: WayBack, reason: string): OnionReading {
  // A payer who addresses us as the only node of a path learns that the data are bad; BOLT 4 has no better code.
  const isDirect = back.blinded === undefined;
  const failure = isDirect ? failureOfPayload({ type: 10n, offset: 0 }) : invalidOnionBlinding;
  return { kind: "fail", back, failure, reason };
}
