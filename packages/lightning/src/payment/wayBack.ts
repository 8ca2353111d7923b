import type { BlindedRole, Resolution } from "../channel/disposition.ts";
import type { HtlcRemoval } from "../commitment/htlc.ts";
import {
  attribute,
  createFailure,
  type FailurePacket,
  failureOfMalformed,
  type MalformedOnion,
  wrapFailurePacket,
} from "../onion/index.ts";
import { type Bytes32, noBytes } from "../util/bytes.ts";
import { type FailureMessage, failureCodeOf } from "../wire/failureCodes.ts";

/** How a failure gets from us to the payer. */
export interface WayBack {
  /** Of the onion's first layer for us. */
  readonly sharedSecret: Uint8Array;
  readonly blinded?: BlindedRole | undefined;
  /** That of the phantom behind us, when its layer is the last: failures are the phantom's then. */
  readonly phantomSharedSecret?: Uint8Array | undefined;
  /** That of the trampoline onion within: the payer is told by both (BOLT 4, "Returning Errors"). */
  readonly trampolineSharedSecret?: Uint8Array | undefined;
}

/** Of an HTLC that a trampoline onion sends onward. */
export interface TrampolineWayBack {
  readonly sharedSecret: Uint8Array;
  readonly trampolineSharedSecret: Uint8Array;
  /**
   * Set within a blinded path, wherever we are in it: the payer is told by `update_fail_htlc`, as an introduction node
   * does, since the HTLC itself came to us by our own name.
   */
  readonly blinded?: BlindedRole;
}

/** The one failure of a blinded path. Without the onion's hash, so that no two reasons for it can be told apart. */
export const invalidOnionBlinding = {
  type: "invalid_onion_blinding",
  sha256OfOnion: new Uint8Array(32) as Bytes32,
} as const satisfies FailureMessage;

/** The same for the peer that gave us the HTLC. */
export const malformedBlinding = {
  sha256OfOnion: invalidOnionBlinding.sha256OfOnion,
  failureCode: failureCodeOf(invalidOnionBlinding),
} as const satisfies MalformedOnion;

/**
 * An HTLC fails at this node, after `holdTime` units of 100 milliseconds. Within a blinded path neither the payer nor a
 * node before us may learn why or where: nodes behind the introduction node answer by `update_fail_malformed_htlc`,
 * which that node turns into a failure of its own (BOLT 2, "Removing an HTLC"; BOLT 4, "Returning Errors").
 */
export function failHere(
  { sharedSecret, blinded, phantomSharedSecret, trampolineSharedSecret }: WayBack,
  failure: FailureMessage,
  holdTime: number,
): Resolution {
  if (blinded === "inner") return { kind: "fail-malformed", ...malformedBlinding };
  const told = blinded === undefined ? failure : invalidOnionBlinding;
  if (trampolineSharedSecret !== undefined) {
    const inner = createFailure(told, { sharedSecret: trampolineSharedSecret, holdTime: undefined });
    return failed(wrapFailurePacket(inner, { sharedSecret, holdTime }));
  }
  if (phantomSharedSecret === undefined) return failed(createFailure(told, { sharedSecret, holdTime }));
  const phantoms = createFailure(told, { sharedSecret: phantomSharedSecret, holdTime: 0 });
  return failed(wrapFailurePacket(phantoms, { sharedSecret, holdTime }));
}

/** The next node failed the HTLC: its failure goes back, wrapped once more, unless a blinded path hides it. */
export function failBehind(
  way: WayBack,
  removal: Exclude<HtlcRemoval, { readonly kind: "fulfill" }>,
  holdTime: number,
): Resolution {
  if (way.blinded !== undefined) return failHere(way, invalidOnionBlinding, holdTime);
  if (removal.kind === "fail-malformed") {
    return failHere(way, failureOfMalformed(removal) ?? { type: "temporary_node_failure" }, holdTime);
  }
  const { reason, attribution } = removal;
  return failed(wrapFailurePacket({ reason, attribution }, { sharedSecret: way.sharedSecret, holdTime }));
}

/**
 * A trampoline node behind us made `reason` for the payer: it goes back below our layers of both onions (BOLT 4,
 * "Returning Errors"), unless a blinded path hides it.
 */
export function failBehindTrampoline(
  way: TrampolineWayBack,
  reason: Uint8Array,
  holdTime: number,
): Resolution {
  if (way.blinded !== undefined) return failHere(way, invalidOnionBlinding, holdTime);
  const { sharedSecret, trampolineSharedSecret } = way;
  const packet = { reason, attribution: undefined };
  const inner = wrapFailurePacket(packet, { sharedSecret: trampolineSharedSecret, holdTime: undefined });
  return failed(wrapFailurePacket(inner, { sharedSecret, holdTime }));
}

/** Who gets to know how long we held an HTLC that is fulfilled: within a blinded path, nobody. */
export function attributionSecret({ sharedSecret, blinded }: WayBack): Pick<Fulfillment, "sharedSecret"> {
  return blinded === "inner" ? {} : { sharedSecret };
}

/** What the phantom would have sent us with the preimage: it held the HTLC for no time. */
export function phantomAttribution({ phantomSharedSecret }: WayBack): Pick<Fulfillment, "downstream"> {
  if (phantomSharedSecret === undefined) return {};
  const phantoms = { sharedSecret: phantomSharedSecret, returnPacket: noBytes, holdTime: 0 };
  return { downstream: attribute({ ...phantoms, downstream: undefined }) };
}

type Fulfillment = Extract<Resolution, { readonly kind: "fulfill" }>;

function failed({ reason, attribution }: FailurePacket): Resolution {
  return { kind: "fail", reason, ...(attribution && { attribution }) };
}
