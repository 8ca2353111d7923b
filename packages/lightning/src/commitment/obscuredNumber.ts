import { crypto } from "@fulmen/bitcoin/crypto";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import { concatBytes } from "../util/bytes.ts";
import type { CommitmentNumber } from "../util/ids.ts";
import type { ChannelParams } from "./params.ts";

// A commitment carries its number, so that a revoked one is recognised at once; obscured by a hash of both payment
// basepoints, so that only the two parties can read it (BOLT 3, "Commitment Transaction").

/** Locktime and sequence that carry commitment `number`. */
export function obscuredNumber(
  params: ChannelParams,
  number: CommitmentNumber,
): { readonly locktime: number; readonly sequence: number } {
  const { upper, lower } = factor(params);
  return {
    locktime: lockMarker + (lower ^ (number % 2 ** 24)),
    sequence: sequenceMarker + (upper ^ Math.floor(number / 2 ** 24)),
  };
}

/**
 * The number that a commitment of this channel carries, or `undefined` when `transaction` has not the locktime and
 * the one input's sequence that commitments have, as a closing transaction.
 */
export function readObscuredNumber(
  params: ChannelParams,
  transaction: Transaction,
): CommitmentNumber | undefined {
  const { locktime, inputs } = transaction;
  const sequence = inputs[0]?.sequence ?? 0;
  if (inputs.length !== 1 || locktime >>> 24 !== 0x20 || sequence >>> 24 !== 0x80) return undefined;
  const { upper, lower } = factor(params);
  const high = upper ^ (sequence & 0xff_ffff);
  return (high * 2 ** 24 + (lower ^ (locktime & 0xff_ffff))) as CommitmentNumber;
}

const lockMarker = 0x2000_0000;
const sequenceMarker = 0x8000_0000;

/** The lower 48 bits of SHA-256 of the opener's payment basepoint and the accepter's, in two halves. */
function factor({ isOpener, local, remote }: ChannelParams): {
  readonly upper: number;
  readonly lower: number;
} {
  const [opener, accepter] = isOpener ? [local, remote] : [remote, local];
  const hash = crypto().sha256(concatBytes(opener.basepoints.payment, accepter.basepoints.payment));
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = hash.subarray(26);
  return { upper: (a << 16) | (b << 8) | c, lower: (d << 16) | (e << 8) | f };
}
