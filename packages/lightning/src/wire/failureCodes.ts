import {
  bigSize,
  type Codec,
  type Fields,
  fieldEntries,
  msat64,
  Reader,
  readFields,
  sha256,
  type TypeOf,
  u16,
  u32,
  varBytes,
  Writer,
} from "../codec/index.ts";
import { InvariantError } from "../util/invariant.ts";
import { type MessageCodec, type MessageHead, type MessageValue, message } from "./message.ts";

/** The flags in the top byte of a failure code (BOLT 4, "Failure Messages"). */
export const failureFlags = {
  /** The onion could not be read; the sending peer encrypts the failure for us. */
  badOnion: 0x8000,
  /** Trying again later is of no use. */
  permanent: 0x4000,
  /** The node failed; otherwise the channel. */
  node: 0x2000,
  /** The parameters of the channel were violated. */
  update: 0x1000,
} as const;

/** Whether the failing node could not read the onion. */
export function isBadOnion(code: number): boolean {
  return (code & failureFlags.badOnion) !== 0;
}

const BADONION = failureFlags.badOnion;
const PERM = failureFlags.permanent;
const NODE = failureFlags.node;
const UPDATE = failureFlags.update;

/** A `channel_update`, with or without its two bytes of type; may be empty, and must not be believed. */
const channelUpdate = varBytes;

const declared = [
  failure("temporary_node_failure", NODE | 2, {}),
  failure("permanent_node_failure", PERM | NODE | 2, {}),
  failure("required_node_feature_missing", PERM | NODE | 3, {}),
  failure("invalid_onion_version", BADONION | PERM | 4, { sha256OfOnion: sha256 }),
  failure("invalid_onion_hmac", BADONION | PERM | 5, { sha256OfOnion: sha256 }),
  failure("invalid_onion_key", BADONION | PERM | 6, { sha256OfOnion: sha256 }),
  failure("temporary_channel_failure", UPDATE | 7, { channelUpdate }),
  failure("permanent_channel_failure", PERM | 8, {}),
  failure("required_channel_feature_missing", PERM | 9, {}),
  failure("unknown_next_peer", PERM | 10, {}),
  failure("amount_below_minimum", UPDATE | 11, { htlcMsat: msat64, channelUpdate }),
  failure("fee_insufficient", UPDATE | 12, { htlcMsat: msat64, channelUpdate }),
  failure("incorrect_cltv_expiry", UPDATE | 13, { cltvExpiry: u32, channelUpdate }),
  failure("expiry_too_soon", UPDATE | 14, { channelUpdate }),
  failure("incorrect_or_unknown_payment_details", PERM | 15, { htlcMsat: msat64, height: u32 }),
  failure("final_incorrect_cltv_expiry", 18, { cltvExpiry: u32 }),
  failure("final_incorrect_htlc_amount", 19, { incomingHtlcAmt: msat64 }),
  failure("channel_disabled", UPDATE | 20, { disabledFlags: u16, channelUpdate }),
  failure("expiry_too_far", 21, {}),
  failure("invalid_onion_payload", PERM | 22, { tlvType: bigSize, offset: u16 }),
  failure("mpp_timeout", 23, {}),
  failure("invalid_onion_blinding", BADONION | PERM | 24, { sha256OfOnion: sha256 }),
  failure("temporary_trampoline_failure", NODE | 25, {}),
  failure("trampoline_fee_or_expiry_insufficient", NODE | 26, {
    feeBaseMsat: u32,
    feeProportionalMillionths: u32,
    cltvExpiryDelta: u16,
  }),
  failure("unknown_next_trampoline", PERM | 27, {}),
] as const;

/** A failure as a node on the route reports it: the BOLTs' name as `type`, then the data. */
export type KnownFailure = TypeOf<(typeof declared)[number]>;

/** A failure whose code BOLT 4 does not define, or no longer. */
export interface UnknownFailure {
  readonly type: "unknown";
  readonly code: number;
  /** All bytes behind the code. */
  readonly data: Uint8Array;
}

/** What `decodeFailureMessage` can give. */
export type FailureMessage = KnownFailure | UnknownFailure;

/** A declaration without its types: see `failures`. */
export interface FailureDeclaration extends MessageHead<KnownFailure["type"]>, Codec<unknown> {
  readonly fields: Fields;
}

/** Every failure of BOLT 4 that is not obsolete; `number` is its code, flags included. */
export const failures: readonly FailureDeclaration[] = declared;

const byCode: ReadonlyMap<number, FailureDeclaration> = new Map(failures.map((f) => [f.number, f]));
const byType: ReadonlyMap<string, FailureDeclaration> = new Map(failures.map((f) => [f.type, f]));

/** The failure in `bytes`, which start with its code. Throws `DecodeError` when the data are not those of the code. */
export function decodeFailureMessage(bytes: Uint8Array): FailureMessage {
  const reader = new Reader(bytes);
  const code = reader.u16();
  const declaration = byCode.get(code);
  if (declaration === undefined) return { type: "unknown", code, data: reader.rest() };
  return declaration.read(reader) as KnownFailure;
}

/** The bytes of a failure, its code first. */
export function encodeFailureMessage(failureMessage: FailureMessage): Uint8Array {
  const writer = new Writer().u16(failureCodeOf(failureMessage));
  if (failureMessage.type === "unknown") return writer.bytes(failureMessage.data).finish();
  declarationOf(failureMessage).write(writer, failureMessage);
  return writer.finish();
}

/** The code of a failure, flags included. */
export function failureCodeOf(failureMessage: FailureMessage): number {
  return failureMessage.type === "unknown" ? failureMessage.code : declarationOf(failureMessage).number;
}

function declarationOf({ type }: KnownFailure): FailureDeclaration {
  const declaration = byType.get(type);
  if (declaration === undefined) throw new InvariantError(`no such failure: ${type}`);
  return declaration;
}

/** Like a message, except that bytes behind the data are ignored (BOLT 4, "Receiving Failure Codes"). */
function failure<N extends string, F extends Fields>(type: N, code: number, data: F): MessageCodec<N, F> {
  const entries = fieldEntries(data);
  return {
    ...message({ type, number: code, section: 'BOLT 4, "Failure Messages"' }, data),
    read: (reader) => readFields(entries, reader, { type }) as MessageValue<N, F>,
  };
}
