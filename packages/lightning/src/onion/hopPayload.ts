import { DecodeError } from "../codec/decodeError.ts";
import { bytes32, msatTu64, nodeId, point, rest, shortChannelId, tu32 } from "../codec/primitives.ts";
import { Reader } from "../codec/reader.ts";
import { struct } from "../codec/struct.ts";
import { extensibleTlvs, type TlvRecord } from "../codec/tlv.ts";
import { Writer } from "../codec/writer.ts";
import type { Bytes32, Point } from "../util/bytes.ts";
import type { BlockHeight, NodeId, ShortChannelId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import type { Msat } from "../util/units.ts";
import type { BlindedPaymentPath } from "./blindedPath.ts";
import { blindedPaymentPaths } from "./blindedPathsCodec.ts";
import { packetOverhead } from "./onionPacket.ts";

/** First type of TLV records that belong to applications (BOLT 1). */
export const customTlvStart = 0x1_0000n;

/** For a node that passes the payment on. */
export interface ForwardPayload {
  readonly kind: "forward";
  readonly amountToForward: Msat;
  readonly outgoingCltv: BlockHeight;
  readonly shortChannelId: ShortChannelId;
}

/** For the recipient. */
export interface FinalPayload {
  readonly kind: "final";
  /** What this HTLC brings; one part when there are several. */
  readonly amount: Msat;
  readonly outgoingCltv: BlockHeight;
  /** `payment_data`: the invoice's secret and the sum of all parts. */
  readonly paymentData?: { readonly paymentSecret: Bytes32; readonly totalAmount: Msat };
  readonly paymentMetadata?: Uint8Array;
  /** The sender chose the preimage: a spontaneous payment. */
  readonly keysendPreimage?: Bytes32;
  /** Records of types from 65,536 on, in their order. An even one asks that the recipient understands it. */
  readonly customTlvs: readonly TlvRecord[];
}

/** For a node within a blinded path. */
export interface BlindedForwardPayload {
  readonly kind: "blinded-forward";
  readonly encryptedRecipientData: Uint8Array;
  /** Set at the path's first node. */
  readonly currentPathKey?: Point;
}

/** For the recipient behind a blinded path. */
export interface BlindedFinalPayload {
  readonly kind: "blinded-final";
  readonly encryptedRecipientData: Uint8Array;
  /** Set when the path's first node is its last. */
  readonly currentPathKey?: Point;
  readonly amount: Msat;
  readonly outgoingCltv: BlockHeight;
  /** Sum of all parts. */
  readonly totalAmount: Msat;
}

/**
 * For the node at the end of an onion that holds another onion: BOLT 4, "Trampoline Payments". The inner one says what
 * becomes of the payment.
 *
 * @ldk lightning::ln::msgs::InboundTrampolineEntrypointPayload
 */
export interface TrampolineEntryPayload {
  readonly kind: "trampoline-entry";
  /** What this HTLC brings; one part when there are several. */
  readonly amount: Msat;
  readonly outgoingCltv: BlockHeight;
  /** Of the outer onion only: by it the node puts the parts together. */
  readonly paymentData?: { readonly paymentSecret: Bytes32; readonly totalAmount: Msat };
  /** For the inner onion, when the node is within a blinded path. */
  readonly currentPathKey?: Point;
  /** `trampoline_onion_packet`: 66 bytes at least. */
  readonly trampolinePacket: Uint8Array;
}

/** In an inner onion: the node finds a way to the next one by itself. @ldk InboundTrampolineForwardPayload */
export interface TrampolineForwardPayload {
  readonly kind: "trampoline-forward";
  readonly amountToForward: Msat;
  readonly outgoingCltv: BlockHeight;
  readonly nextNodeId: NodeId;
}

/** At the end of an inner onion: the recipient knows nothing of trampolines and is behind these paths. */
export interface TrampolineToBlindedPathsPayload {
  readonly kind: "trampoline-to-blinded-paths";
  readonly amountToForward: Msat;
  readonly outgoingCltv: BlockHeight;
  /** As in the recipient's invoice: bits, big-endian. */
  readonly recipientFeatures?: Uint8Array;
  /** At least one. */
  readonly blindedPaths: readonly BlindedPaymentPath[];
}

/** What an onion tells one node: BOLT 4, "payload format". */
export type HopPayload =
  | ForwardPayload
  | FinalPayload
  | BlindedForwardPayload
  | BlindedFinalPayload
  | TrampolineEntryPayload
  | TrampolineForwardPayload
  | TrampolineToBlindedPathsPayload;

/** A payload that breaks a rule of BOLT 4. */
export interface InvalidPayload {
  readonly kind: "invalid-payload";
  /** Within a blinded path all errors look the same. */
  readonly failure: "invalid_onion_payload" | "invalid_onion_blinding";
  /** Type of the offending or missing record; 0 when it is no one record's fault. */
  readonly type: bigint;
  /** Where it is in the payload, in bytes; 0 for a missing one. */
  readonly offset: number;
  /** For logs. */
  readonly reason: string;
}

/** What is known of an onion besides its payload. */
export interface PayloadContext {
  /** Whether the onion ends here. */
  readonly isFinal: boolean;
  /** Whether the HTLC came with a `path_key`. */
  readonly hasPathKey: boolean;
  /** The onion came within another one. */
  readonly isTrampoline?: boolean;
}

/**
 * Reads a payload strictly, by the requirements on the reader in BOLT 4, "payload format". Amounts and expiries are
 * compared with the HTLC's elsewhere.
 *
 * @ldk lightning::ln::msgs::InboundOnionPayload
 */
export function decodeHopPayload(
  payload: Uint8Array,
  context: PayloadContext,
): Result<HopPayload, InvalidPayload> {
  const stream = readStream(payload);
  const hidden = (hasCurrentKey: boolean) => context.hasPathKey || (hasCurrentKey && !context.isFinal);
  if (!stream.ok) return err(invalid(stream.error, hidden(false)));
  const records = stream.value;
  const kind = kindOf(records, context);
  const fault = pathKeyFault(records, context) ?? ruleFault(records, kind);
  if (fault === undefined) return ok(toPayload(records, kind));
  const { type, reason } = fault;
  const offset = offsetOf(payload, type);
  return err(invalid({ type, offset, reason }, hidden(records.currentPathKey !== undefined)));
}

/** The payload's TLV stream. Custom records have to be in order of their types. */
export function encodeHopPayload(payload: HopPayload): Uint8Array {
  const writer = new Writer(64);
  hopTlvs.write(writer, toRecords(payload));
  return writer.finish();
}

const hopTlvs = extensibleTlvs(
  "payload",
  {
    amountToForward: { type: 2, codec: msatTu64 },
    outgoingCltv: { type: 4, codec: tu32 },
    shortChannelId: { type: 6, codec: shortChannelId },
    paymentData: {
      type: 8,
      codec: struct("payment_data", { paymentSecret: bytes32, totalAmount: msatTu64 }),
    },
    encryptedRecipientData: { type: 10, codec: rest },
    currentPathKey: { type: 12, codec: point },
    nextNodeId: { type: 14, codec: nodeId },
    paymentMetadata: { type: 16, codec: rest },
    totalAmount: { type: 18, codec: msatTu64 },
    trampolinePacket: { type: 20, codec: rest },
    recipientFeatures: { type: 21, codec: rest },
    blindedPaths: { type: 22, codec: blindedPaymentPaths },
    keysendPreimage: { type: 5_482_373_484, codec: bytes32 },
  },
  "keep-custom",
);

type Records = ReturnType<typeof hopTlvs.read>;
type FieldName = keyof typeof hopTlvs.records;
type Kind = HopPayload["kind"];

interface Fault {
  readonly type: bigint;
  readonly reason: string;
}

/** What each kind of payload must and may hold. LDK refuses the same; BOLT 4 asks for it of blinded payloads only. */
const rules: Readonly<
  Record<Kind, { readonly required: readonly FieldName[]; readonly allowed: readonly FieldName[] }>
> = {
  forward: { required: ["amountToForward", "outgoingCltv", "shortChannelId"], allowed: [] },
  final: {
    required: ["amountToForward", "outgoingCltv"],
    allowed: ["paymentData", "paymentMetadata", "keysendPreimage"],
  },
  "blinded-forward": { required: ["encryptedRecipientData"], allowed: ["currentPathKey"] },
  "blinded-final": {
    required: ["encryptedRecipientData", "amountToForward", "outgoingCltv", "totalAmount"],
    allowed: ["currentPathKey"],
  },
  "trampoline-entry": {
    required: ["amountToForward", "outgoingCltv", "trampolinePacket"],
    allowed: ["paymentData", "currentPathKey"],
  },
  "trampoline-forward": { required: ["amountToForward", "outgoingCltv", "nextNodeId"], allowed: [] },
  "trampoline-to-blinded-paths": {
    required: ["amountToForward", "outgoingCltv", "blindedPaths"],
    allowed: ["recipientFeatures"],
  },
};

const fieldNames = Object.keys(hopTlvs.records) as FieldName[];

function readStream(payload: Uint8Array): Result<Records, Fault & { readonly offset: number }> {
  try {
    return ok(hopTlvs.read(new Reader(payload)));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const type = /^\d+/.exec(error.field)?.[0] ?? "0";
    return err({ type: BigInt(type), offset: error.offset, reason: error.message });
  }
}

function kindOf(records: Records, { isFinal, isTrampoline = false }: PayloadContext): Kind {
  const { encryptedRecipientData, trampolinePacket, blindedPaths } = records;
  if (encryptedRecipientData !== undefined) return isFinal ? "blinded-final" : "blinded-forward";
  if (!isTrampoline) {
    if (!isFinal) return "forward";
    return trampolinePacket === undefined ? "final" : "trampoline-entry";
  }
  if (!isFinal) return "trampoline-forward";
  return blindedPaths === undefined ? "final" : "trampoline-to-blinded-paths";
}

/** A path key comes with the message or in the payload, never both, and only together with data for it. */
function pathKeyFault(records: Records, { hasPathKey }: PayloadContext): Fault | undefined {
  const inPayload = records.currentPathKey !== undefined;
  if (records.encryptedRecipientData === undefined) {
    // It is for the data of the inner onion.
    const isInner = records.trampolinePacket !== undefined && !hasPathKey;
    return hasPathKey || (inPayload && !isInner)
      ? fault("encryptedRecipientData", "a path key without data for it")
      : undefined;
  }
  if (hasPathKey && inPayload) return fault("currentPathKey", "two path keys");
  return hasPathKey || inPayload ? undefined : fault("currentPathKey", "no path key");
}

function ruleFault(records: Records, kind: Kind): Fault | undefined {
  const { required, allowed } = rules[kind];
  const missing = required.find((name) => records[name] === undefined);
  if (missing !== undefined) return fault(missing, `missing from a ${kind} payload`);
  const others = fieldNames.filter((name) => !required.includes(name) && !allowed.includes(name));
  const misplaced = others.find((name) => records[name] !== undefined);
  if (misplaced !== undefined) return fault(misplaced, `has no place in a ${kind} payload`);
  const unknown = records.unknown?.find(({ type }) => !mayIgnore(type, kind));
  if (unknown !== undefined) return { type: unknown.type, reason: `unknown, in a ${kind} payload` };
  const { trampolinePacket, blindedPaths } = records;
  if (trampolinePacket !== undefined && trampolinePacket.length < packetOverhead) {
    return fault("trampolinePacket", `${trampolinePacket.length} bytes`);
  }
  if (blindedPaths?.length === 0) return fault("blindedPaths", "none");
  // From 500,000,000 on an expiry would be a time (BOLT 2, "Adding an HTLC").
  const expiry = records.outgoingCltv ?? 0;
  return expiry >= 500_000_000 ? fault("outgoingCltv", `not a block height: ${expiry}`) : undefined;
}

function mayIgnore(type: bigint, kind: Kind): boolean {
  if (kind === "final") return true;
  return !kind.startsWith("blinded") && type % 2n === 1n;
}

function fault(name: FieldName, reason: string): Fault {
  return { type: BigInt(hopTlvs.records[name].type), reason: `${name}: ${reason}` };
}

function toPayload(records: Records, kind: Kind): HopPayload {
  const amount = () => present(records.amountToForward, "amountToForward");
  const expiry = () => present(records.outgoingCltv, "outgoingCltv") as BlockHeight;
  const blinded = () => ({
    encryptedRecipientData: present(records.encryptedRecipientData, "encryptedRecipientData"),
    ...(records.currentPathKey && { currentPathKey: records.currentPathKey }),
  });
  switch (kind) {
    case "forward": {
      const channel = present(records.shortChannelId, "shortChannelId");
      return { kind, amountToForward: amount(), outgoingCltv: expiry(), shortChannelId: channel };
    }
    case "final":
      return {
        kind,
        amount: amount(),
        outgoingCltv: expiry(),
        ...(records.paymentData && { paymentData: records.paymentData }),
        ...(records.paymentMetadata && { paymentMetadata: records.paymentMetadata }),
        ...(records.keysendPreimage && { keysendPreimage: records.keysendPreimage }),
        customTlvs: records.unknown?.filter(({ type }) => type >= customTlvStart) ?? [],
      };
    case "blinded-forward":
      return { kind, ...blinded() };
    case "blinded-final": {
      const totalAmount = present(records.totalAmount, "totalAmount");
      return { kind, ...blinded(), amount: amount(), outgoingCltv: expiry(), totalAmount };
    }
    case "trampoline-entry":
      return {
        kind,
        amount: amount(),
        outgoingCltv: expiry(),
        ...(records.paymentData && { paymentData: records.paymentData }),
        ...(records.currentPathKey && { currentPathKey: records.currentPathKey }),
        trampolinePacket: present(records.trampolinePacket, "trampolinePacket"),
      };
    case "trampoline-forward": {
      const nextNodeId = present(records.nextNodeId, "nextNodeId");
      return { kind, amountToForward: amount(), outgoingCltv: expiry(), nextNodeId };
    }
    case "trampoline-to-blinded-paths":
      return {
        kind,
        amountToForward: amount(),
        outgoingCltv: expiry(),
        ...(records.recipientFeatures && { recipientFeatures: records.recipientFeatures }),
        blindedPaths: present(records.blindedPaths, "blindedPaths"),
      };
  }
}

function toRecords(payload: HopPayload): Records {
  switch (payload.kind) {
    case "forward":
    case "trampoline-forward":
    case "trampoline-to-blinded-paths":
    case "blinded-forward": {
      const { kind: _, ...records } = payload;
      return records;
    }
    case "final": {
      const { kind: _, amount, customTlvs, ...records } = payload;
      return { ...records, amountToForward: amount, unknown: customTlvs };
    }
    case "trampoline-entry":
    case "blinded-final": {
      const { kind: _, amount, ...records } = payload;
      return { ...records, amountToForward: amount };
    }
  }
}

function invalid(fault: Fault & { readonly offset: number }, hidden: boolean): InvalidPayload {
  return {
    kind: "invalid-payload",
    failure: hidden ? "invalid_onion_blinding" : "invalid_onion_payload",
    ...fault,
  };
}

/** Where the record of `type` starts in a stream that was read before; 0 when it is not there. */
function offsetOf(payload: Uint8Array, type: bigint): number {
  const reader = new Reader(payload);
  while (reader.remaining > 0) {
    const start = reader.offset;
    if (reader.bigSize() === type) return start;
    reader.bytes(Number(reader.bigSize()));
  }
  return 0;
}
