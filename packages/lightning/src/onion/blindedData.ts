import type { TypeOf } from "../codec/codec.ts";
import { encode } from "../codec/codec.ts";
import { DecodeError } from "../codec/decodeError.ts";
import { mapped, msatTu64, point, rest, shortChannelId, tu32, u16, u32 } from "../codec/primitives.ts";
import { Reader } from "../codec/reader.ts";
import { struct } from "../codec/struct.ts";
import { tlvs } from "../codec/tlv.ts";
import type { Point } from "../util/bytes.ts";
import { type BlockHeight, type NodeId, nodeIdOf, type ShortChannelId } from "../util/ids.ts";
import { err, ok, type Result } from "../util/result.ts";
import { type Msat, msat } from "../util/units.ts";

const msatTu32 = mapped<Msat, number>("tu32", tu32, { decoded: msat, encoded: Number });

/** What a node of a blinded path keeps for passing a payment on: BOLT 4, `payment_relay`. */
const paymentRelay = struct("payment_relay", {
  cltvExpiryDelta: u16,
  feeProportionalMillionths: u32,
  feeBase: msatTu32,
});
/** @ldk lightning::blinded_path::payment::PaymentRelay */
export interface PaymentRelay extends TypeOf<typeof paymentRelay> {}

/** What a payment must keep to at a node of a blinded path: BOLT 4, `payment_constraints`. */
const paymentConstraints = struct("payment_constraints", {
  /** The largest expiry that the HTLC coming in may have. */
  maxCltvExpiry: u32,
  /** The smallest amount that the HTLC coming in may have. */
  htlcMinimum: msatTu64,
});
/** @ldk lightning::blinded_path::payment::PaymentConstraints */
export interface PaymentConstraints extends TypeOf<typeof paymentConstraints> {}

/** `encrypted_data_tlv`: BOLT 4, "Inside encrypted_recipient_data". Odd records that it does not name are dropped. */
const encryptedDataTlvs = tlvs("encrypted_data_tlv", {
  padding: { type: 1, codec: rest },
  shortChannelId: { type: 2, codec: shortChannelId },
  nextNodeId: { type: 4, codec: point },
  pathId: { type: 6, codec: rest },
  nextPathKeyOverride: { type: 8, codec: point },
  paymentRelay: { type: 10, codec: paymentRelay },
  paymentConstraints: { type: 12, codec: paymentConstraints },
  allowedFeatures: { type: 14, codec: rest },
});
/** What the recipient tells one node of a blinded path to it. */
export interface EncryptedData extends TypeOf<typeof encryptedDataTlvs> {}

/** The stream in the order of types. */
export function encodeEncryptedData(data: EncryptedData): Uint8Array {
  return encode(encryptedDataTlvs, data);
}

/** The node that a blinded path goes on to. */
export type BlindedNextHop =
  | { readonly kind: "short-channel-id"; readonly shortChannelId: ShortChannelId }
  | { readonly kind: "node-id"; readonly nodeId: NodeId };

/** For a node that passes the payment on. @ldk lightning::blinded_path::payment::ForwardTlvs */
export interface BlindedForwardData {
  readonly next: BlindedNextHop;
  readonly relay: PaymentRelay;
  readonly constraints?: PaymentConstraints;
  /** Instead of the key that follows from the node's own. */
  readonly nextPathKeyOverride?: Point;
}

/** For the recipient. @ldk lightning::blinded_path::payment::ReceiveTlvs */
export interface BlindedReceiveData {
  /** What we put there when we made the path. */
  readonly pathId?: Uint8Array;
  readonly constraints?: PaymentConstraints;
}

/** Why decrypted data are not followed; for logs only: whoever sent the payment learns no reason. */
export interface InvalidBlindedData {
  readonly kind: "invalid-blinded-data";
  readonly reason: string;
}

/** The data of a node that is not the last one. BOLT 4, "payload format", the reader. */
export function readBlindedForward(data: Uint8Array): Result<BlindedForwardData, InvalidBlindedData> {
  const read = readData(data);
  if (!read.ok) return read;
  const { shortChannelId, nextNodeId, paymentRelay: relay } = read.value;
  const { paymentConstraints: constraints, nextPathKeyOverride } = read.value;
  const next = nextHop(shortChannelId, nextNodeId);
  if (next === undefined) return invalid("not exactly one next hop");
  if (relay === undefined) return invalid("no payment_relay");
  return ok({
    next,
    relay,
    ...(constraints && { constraints }),
    ...(nextPathKeyOverride && { nextPathKeyOverride }),
  });
}

/** The data of the last node. */
export function readBlindedReceive(data: Uint8Array): Result<BlindedReceiveData, InvalidBlindedData> {
  const read = readData(data);
  if (!read.ok) return read;
  const { pathId, paymentConstraints: constraints, shortChannelId, nextNodeId } = read.value;
  if (shortChannelId !== undefined && nextNodeId !== undefined) return invalid("two next hops");
  return ok({ ...(pathId && { pathId }), ...(constraints && { constraints }) });
}

/** Whether an HTLC keeps to the constraints; its expiry and amount are those with which it came in. */
export function keepsConstraints(
  htlc: { readonly amount: Msat; readonly cltvExpiry: number },
  constraints: PaymentConstraints | undefined,
): boolean {
  if (constraints === undefined) return true;
  return htlc.cltvExpiry <= constraints.maxCltvExpiry && htlc.amount >= constraints.htlcMinimum;
}

/**
 * What a node within a blinded path passes on, rounded up as BOLT 4 has it ("payload format", the reader); `undefined`
 * when nothing would be left of the HTLC.
 */
export function blindedForwardTerms(
  htlc: { readonly amount: Msat; readonly cltvExpiry: number },
  relay: PaymentRelay,
): { readonly amount: Msat; readonly cltvExpiry: BlockHeight } | undefined {
  const amount = amountToForward(htlc.amount, relay);
  const cltvExpiry = htlc.cltvExpiry - relay.cltvExpiryDelta;
  if (amount === undefined || cltvExpiry < 0) return undefined;
  return { amount, cltvExpiry: cltvExpiry as BlockHeight };
}

/** The amount alone; `undefined` when it does not cover the fee. */
export function amountToForward(
  amount: Msat,
  { feeBase, feeProportionalMillionths }: Pick<PaymentRelay, "feeBase" | "feeProportionalMillionths">,
): Msat | undefined {
  if (amount <= feeBase) return undefined;
  const divisor = 1_000_000n + BigInt(feeProportionalMillionths);
  return msat(((amount - feeBase) * 1_000_000n + divisor - 1n) / divisor);
}

/**
 * `data` as streams of one length each, by padding, so that their lengths tell nothing of what they hold or where in
 * the path they stand. The length is a multiple of `roundTo` unless padding, whose own head takes up at least two
 * bytes, cannot make it so.
 *
 * @ldk lightning::blinded_path::utils::BlindedPathWithPadding
 */
export function padEncryptedData(data: readonly EncryptedData[], roundTo: number): readonly Uint8Array[] {
  const lengths = data.map((one) => encodeEncryptedData(one).length);
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  let target = Math.ceil(longest / roundTo) * roundTo;
  while (!lengths.every((length) => paddingFor(target - length) !== undefined)) target += 1;
  return data.map((one, index) => {
    const padding = paddingFor(target - (lengths[index] ?? 0));
    return padding === undefined || padding < 0
      ? encodeEncryptedData(one)
      : encodeEncryptedData({ padding: new Uint8Array(padding), ...one });
  });
}

/** Bytes within a padding record that takes up `room`; -1 for no record, `undefined` where no record does. */
function paddingFor(room: number): number | undefined {
  if (room === 0) return -1;
  if (room < 2) return undefined;
  if (room - 2 < 0xfd) return room - 2;
  // From 253 bytes on the length takes up three.
  return room - 4 < 0xfd ? undefined : room - 4;
}

function readData(data: Uint8Array): Result<EncryptedData, InvalidBlindedData> {
  let read: EncryptedData;
  try {
    read = encryptedDataTlvs.read(new Reader(data));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return invalid(error.message);
  }
  // A payment here uses no feature that could be allowed, and a bit that is not known is refused even when it is odd.
  return read.allowedFeatures?.some((byte) => byte !== 0) === true ? invalid("unknown feature") : ok(read);
}

function nextHop(channel: ShortChannelId | undefined, node: Point | undefined): BlindedNextHop | undefined {
  if ((channel === undefined) === (node === undefined)) return undefined;
  if (channel !== undefined) return { kind: "short-channel-id", shortChannelId: channel };
  return node && { kind: "node-id", nodeId: nodeIdOf(node) };
}

function invalid(reason: string): { readonly ok: false; readonly error: InvalidBlindedData } {
  return err({ kind: "invalid-blinded-data", reason });
}
