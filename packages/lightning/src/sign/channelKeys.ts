import { crypto } from "@fulmen/bitcoin/crypto";
import { utf8 } from "@scure/base";
import { concatBytes } from "../util/bytes.ts";

/** The secrets of one channel, 32 bytes each. */
export interface ChannelSecrets {
  readonly funding: Uint8Array;
  readonly revocation: Uint8Array;
  readonly payment: Uint8Array;
  readonly delayedPayment: Uint8Array;
  readonly htlc: Uint8Array;
  /** The seed of our per-commitment secrets. */
  readonly commitmentSeed: Uint8Array;
}

/** How many keys there are to which peers' commitments pay us: few enough to look for all of them on the chain. */
export const staticPaymentKeyCount = 1000;

/**
 * The secrets of the channel `channelKeysId` (32 bytes), as LDK derives them from the node's seed and a child of its
 * channel master key. Only the payment key is another: one of a thousand of the node (`staticPaymentKey` takes its
 * number), so that what a peer's commitment pays us can be found with nothing but the seed.
 *
 * @ldk lightning::sign::KeysManager::derive_channel_keys
 */
export function deriveChannelSecrets(
  channelKeysId: Uint8Array,
  seed: Uint8Array,
  childKey: Uint8Array,
  staticPaymentKey: (number: number) => Uint8Array,
): ChannelSecrets {
  const { sha256 } = crypto();
  const channelSeed = sha256(concatBytes(channelKeysId, seed, childKey));
  const next = (previous: Uint8Array, label: string): Uint8Array =>
    sha256(concatBytes(channelSeed, previous, utf8.decode(label)));

  const commitmentSeed = sha256(concatBytes(channelSeed, utf8.decode("commitment seed")));
  const funding = next(commitmentSeed, "funding key");
  const revocation = next(funding, "revocation base key");
  const unusedPayment = next(revocation, "payment key");
  const delayedPayment = next(unusedPayment, "delayed payment base key");
  const htlc = next(delayedPayment, "HTLC base key");
  const payment = staticPaymentKey(staticPaymentKeyNumber(commitmentSeed));
  return { funding, revocation, payment, delayedPayment, htlc, commitmentSeed };
}

/** The first eight bytes, little-endian, modulo the number of keys. */
function staticPaymentKeyNumber(commitmentSeed: Uint8Array): number {
  const view = new DataView(commitmentSeed.buffer, commitmentSeed.byteOffset, 8);
  return Number(view.getBigUint64(0, true) % BigInt(staticPaymentKeyCount));
}
