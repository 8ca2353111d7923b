import { crypto } from "@fulmen/bitcoin/crypto";
import { addHtlc, findHtlc, isRemovable, removeHtlc } from "../../commitment/dance.ts";
import type { Htlc, HtlcRemoval } from "../../commitment/htlc.ts";
import { checkIncomingAdd, checkOutgoingAdd } from "../../commitment/limits.ts";
import { violationText } from "../../commitment/limitViolation.ts";
import { attribute, attributionBytes, attributionFields } from "../../onion/attribution.ts";
import { type Bytes32, noBytes, toHex } from "../../util/bytes.ts";
import { err, ok, type Result } from "../../util/result.ts";
import type {
  AttributionData,
  LightningMessage,
  UpdateAddHtlc,
  UpdateFailHtlc,
  UpdateFailMalformedHtlc,
  UpdateFulfillHtlc,
} from "../../wire/index.ts";
import type { ChannelAction } from "../action.ts";
import { isTooLateToOffer } from "../deadlines.ts";
import type { Disposition, HtlcToSend, OutgoingHtlc, Resolution } from "../disposition.ts";
import { type ChannelRefusal, refusal } from "../error.ts";
import type { ChannelContext, PreimageForMonitor } from "../input.ts";
import type { FundedChannel } from "../state.ts";
import { type ChannelChange, outgoingOf, send } from "./commit.ts";
import { feeLimits } from "./limits.ts";
import { nextUpdate } from "./monitorUpdate.ts";

/** Bit 15 of a failure code: the onion itself could not be read (BOLT 4, "Failure Messages"). */
const badOnionFlag = 0x8000;

/** Offers an HTLC. Refused, nothing has changed; nothing is stored before it is signed. */
export function sendAdd(
  ctx: ChannelContext,
  channel: FundedChannel,
  htlc: HtlcToSend,
): Result<ChannelChange, ChannelRefusal> {
  if (isTooLateToOffer(htlc.cltvExpiry, ctx.bestHeight)) {
    const text = `an HTLC that expires at ${htlc.cltvExpiry}, the height is ${ctx.bestHeight}`;
    return err(refusal("ignore", "expiry-too-soon", text));
  }
  const violation = checkOutgoingAdd(channel.commitments, htlc, feeLimits(ctx, channel));
  if (violation !== undefined) return err(refusal("ignore", violation.kind, violationText(violation)));
  const id = channel.commitments.nextLocalHtlcId;
  const { amount, paymentHash, cltvExpiry, onion, payloads, pathKey, source } = htlc;
  const layer = { onion, ...(pathKey && { pathKey }) };
  return ok({
    channel: {
      ...channel,
      commitments: addHtlc(channel.commitments, "outgoing", { amount, paymentHash, cltvExpiry }),
      outgoing: [...channel.outgoing, { id, source, ...layer, ...(payloads && { payloads }) }],
    },
    actions: [send(addMessage(channel, { id, amount, paymentHash, cltvExpiry }, { ...layer, source }))],
  });
}

/** `update_add_htlc` of a row, its onion and what is told with it. */
export function addMessage(
  channel: FundedChannel,
  htlc: Pick<Htlc, "id" | "amount" | "paymentHash" | "cltvExpiry">,
  { onion, pathKey, source }: Pick<OutgoingHtlc, "onion" | "pathKey" | "source">,
): LightningMessage {
  const extraFee = source.kind === "forwarded" ? source.skimmedFee : undefined;
  const { id, amount, paymentHash, cltvExpiry } = htlc;
  const { channelId } = channel.commitments;
  return {
    type: "update_add_htlc",
    channelId,
    id,
    amountMsat: amount,
    paymentHash,
    cltvExpiry,
    onionRoutingPacket: onion,
    tlvs: {
      ...(pathKey && { blindedPath: pathKey }),
      ...(extraFee !== undefined && { extraFee }),
    },
  };
}

/** The peer offers an HTLC (BOLT 2, "Adding an HTLC"). */
export function receiveAdd(
  channel: FundedChannel,
  message: UpdateAddHtlc,
): Result<ChannelChange, ChannelRefusal> {
  const expected = channel.commitments.nextRemoteHtlcId;
  if (message.id !== expected) {
    return err(refusal("close", "wrong-htlc-id", `HTLC id ${message.id}, expected ${expected}`));
  }
  const commitments = addHtlc(channel.commitments, "incoming", {
    amount: message.amountMsat,
    paymentHash: message.paymentHash,
    cltvExpiry: message.cltvExpiry,
  });
  const violation = checkIncomingAdd(commitments);
  if (violation !== undefined) return err(refusal("close", violation.kind, violationText(violation)));
  const { extraFee, blindedPath: pathKey } = message.tlvs;
  const disposition: Disposition = {
    kind: "undecided",
    onion: message.onionRoutingPacket,
    ...(extraFee !== undefined && { skimmedFee: extraFee }),
    ...(pathKey && { pathKey }),
  };
  const incoming = [...channel.incoming, { id: message.id, disposition }];
  return ok({ channel: { ...channel, commitments, incoming }, actions: [] });
}

/** The peer fulfils an HTLC of ours: the preimage is worth its amount upstream at once. */
export function receiveFulfill(
  channel: FundedChannel,
  message: UpdateFulfillHtlc,
): Result<ChannelChange, ChannelRefusal> {
  const found = removableOutgoing(channel, message.id);
  if (!found.ok) return found;
  const htlc = found.value;
  const preimage = message.paymentPreimage;
  if (toHex(crypto().sha256(preimage)) !== htlc.paymentHash) {
    return err(refusal("close", "wrong-preimage", `the preimage of HTLC ${htlc.id} does not match its hash`));
  }
  const removal: HtlcRemoval = { kind: "fulfill", preimage, ...attributionOf(message.tlvs.attributionData) };
  const { source } = outgoingOf(channel, htlc);
  return ok({
    channel: { ...channel, commitments: removeHtlc(channel.commitments, htlc, removal) },
    actions: [{ kind: "htlc-fulfilled", htlc: { ...htlc, removal }, source, preimage }],
  });
}

/** The peer fails an HTLC of ours; its source hears of it when the removal is irrevocable. */
export function receiveFail(
  channel: FundedChannel,
  message: UpdateFailHtlc,
): Result<ChannelChange, ChannelRefusal> {
  const found = removableOutgoing(channel, message.id);
  if (!found.ok) return found;
  const attribution = attributionOf(message.tlvs.attributionData);
  const removal: HtlcRemoval = { kind: "fail", reason: message.reason, ...attribution };
  return ok(removedBy(channel, found.value, removal));
}

export function receiveFailMalformed(
  channel: FundedChannel,
  message: UpdateFailMalformedHtlc,
): Result<ChannelChange, ChannelRefusal> {
  const found = removableOutgoing(channel, message.id);
  if (!found.ok) return found;
  const { sha256OfOnion, failureCode } = message;
  if ((failureCode & badOnionFlag) === 0) {
    return err(
      refusal("disconnect", "malformed-without-badonion", `failure code ${failureCode} lacks BADONION`),
    );
  }
  return ok(removedBy(channel, found.value, { kind: "fail-malformed", sha256OfOnion, failureCode }));
}

/**
 * Notes how an incoming HTLC ends and tells the peer when it may be told. The same resolution again changes nothing,
 * and a preimage replaces a failure as long as the failure has not left.
 */
export function resolveHtlc(
  channel: FundedChannel,
  what: {
    readonly htlcId: bigint;
    readonly resolution: Resolution;
    readonly monitor: PreimageForMonitor | undefined;
  },
): Result<ChannelChange, ChannelRefusal> {
  const incoming = channel.incoming.find(({ id }) => id === what.htlcId);
  const htlc = findHtlc(channel.commitments, "incoming", what.htlcId);
  if (incoming === undefined || htlc === undefined) {
    return err(refusal("ignore", "unknown-htlc", `no incoming HTLC ${what.htlcId}`));
  }
  const { resolution } = what;
  const before = incoming.disposition;
  const again = before.kind === "resolved";
  if (again && (before.resolution.kind === "fulfill" || resolution.kind !== "fulfill")) {
    return ok({ channel, actions: [] });
  }
  // A failure that the peer has been told of stays the channel's word; the preimage may still be worth it on chain.
  const kept = again && !isRemovable(htlc);
  const disposition: Disposition = kept ? before : { kind: "resolved", resolution };
  const resolved: FundedChannel = {
    ...channel,
    incoming: channel.incoming.map((record) =>
      record === incoming ? { id: record.id, disposition } : record,
    ),
  };
  const persist: ChannelAction = { kind: "persist", left: [] };
  if (resolution.kind !== "fulfill") return ok({ channel: resolved, actions: [persist] });
  const parts = what.monitor?.parts ?? [{ channelId: channel.commitments.channelId, htlcId: htlc.id }];
  const { paymentHash } = htlc;
  const next = nextUpdate(
    resolved,
    [{ kind: "payment-preimage", paymentHash, preimage: resolution.preimage, parts }],
    what.monitor?.after ?? [],
  );
  return ok({ channel: next.channel, actions: [persist, { kind: "watch-update", update: next.update }] });
}

/**
 * Tells the peer of every resolution that it has not been told of, or of that of one HTLC. Only while connected and in
 * step.
 */
export function sendResolutions(channel: FundedChannel, only?: bigint): ChannelChange {
  let { commitments } = channel;
  const actions: ChannelAction[] = [];
  for (const { id, disposition } of channel.incoming) {
    if (disposition.kind !== "resolved" || (only !== undefined && id !== only)) continue;
    const htlc = findHtlc(commitments, "incoming", id);
    if (htlc === undefined || !isRemovable(htlc)) continue;
    commitments = removeHtlc(commitments, htlc, disposition.resolution);
    actions.push(send(removeMessage(channel, id, disposition.resolution)));
  }
  return { channel: commitments === channel.commitments ? channel : { ...channel, commitments }, actions };
}

/** The `update_` message that removes an incoming HTLC: the same bytes whenever it is made, but for a restart. */
export function removeMessage(channel: FundedChannel, id: bigint, removal: Resolution): LightningMessage {
  const { channelId } = channel.commitments;
  const head = { channelId, id: id as Htlc["id"] };
  switch (removal.kind) {
    case "fulfill":
      return {
        type: "update_fulfill_htlc",
        ...head,
        paymentPreimage: removal.preimage,
        tlvs: fulfillAttribution(removal),
      };
    case "fail": {
      const { reason, attribution } = removal;
      const tlvs = attribution === undefined ? {} : { attributionData: attributionFields(attribution) };
      return { type: "update_fail_htlc", ...head, reason, tlvs };
    }
    case "fail-malformed": {
      const sha256OfOnion = removal.sha256OfOnion as Bytes32;
      const { failureCode } = removal;
      return { type: "update_fail_malformed_htlc", ...head, sha256OfOnion, failureCode };
    }
  }
}

function removedBy(channel: FundedChannel, htlc: Htlc, removal: HtlcRemoval): ChannelChange {
  return {
    channel: { ...channel, commitments: removeHtlc(channel.commitments, htlc, removal) },
    actions: [],
  };
}

/** BOLT 2: a removal must name an HTLC that is irrevocably committed, and name it once. */
function removableOutgoing(channel: FundedChannel, id: bigint): Result<Htlc, ChannelRefusal> {
  const htlc = findHtlc(channel.commitments, "outgoing", id);
  if (htlc === undefined) return err(refusal("close", "unknown-htlc", `no outgoing HTLC ${id}`));
  if (!isRemovable(htlc)) {
    return err(refusal("close", "htlc-not-removable", `HTLC ${id} cannot be removed in state ${htlc.state}`));
  }
  return ok(htlc);
}

function attributionOf(data: AttributionData | undefined): { attribution?: Uint8Array } {
  return data === undefined ? {} : { attribution: attributionBytes(data) };
}

/** BOLT 4, "Hold times for successful payments": there is no packet to cover. */
function fulfillAttribution(fulfill: Extract<Resolution, { readonly kind: "fulfill" }>): {
  readonly attributionData?: AttributionData;
} {
  const { sharedSecret, holdTime = 0, downstream } = fulfill;
  if (sharedSecret === undefined) return {};
  const attribution = attribute({ sharedSecret, returnPacket: noBytes, holdTime, downstream });
  return { attributionData: attributionFields(attribution) };
}
