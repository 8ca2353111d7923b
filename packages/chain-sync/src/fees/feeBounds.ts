import type { NetworkName } from "@fulmen/bitcoin/network";
import type { ConfirmationTarget } from "@fulmen/lightning/chain";
import { type FeeratePerKw, feeratePerKw } from "@fulmen/lightning/util";

/** What nodes relay at the least: 1 satoshi per virtual byte, rounded up where weight is (253, not 250). */
export const floorFeerate: FeeratePerKw = feeratePerKw(253);

/** The most that is believed of a source: 1,000 satoshis per virtual byte where coins have a price, 100 elsewhere. */
export function ceilingFeerate(network: NetworkName): FeeratePerKw {
  return feeratePerKw(network === "mainnet" ? 250_000 : 25_000);
}

/** From so many blocks on, a transaction can wait. */
export const unhurriedBlocks = 6;

/** What is believed for those who can wait: 200 satoshis per virtual byte, which is dear enough for any day so far. */
export const unhurriedCeiling: FeeratePerKw = feeratePerKw(50_000);

/** Within how many blocks a transaction of each target should confirm. */
export const blocksOfTarget: { readonly [target in ConfirmationTarget]: number } = {
  "maximum-fee-estimate": 1,
  "urgent-on-chain-sweep": 2,
  "non-anchor-channel-fee": 12,
  "output-spending-fee": 12,
  "channel-close-minimum": 144,
  "min-allowed-non-anchor-channel-remote-fee": 1_008,
  "min-allowed-anchor-channel-remote-fee": 1_008,
  "anchor-channel-fee": 1_008,
};

/** While no source has said anything, or not for hours. */
export function defaultFeerate(network: NetworkName, target: ConfirmationTarget): FeeratePerKw {
  return feeratePerKw((network === "mainnet" ? mainnetDefaults : otherDefaults)[target]);
}

const mainnetDefaults: { readonly [target in ConfirmationTarget]: number } = {
  "maximum-fee-estimate": 8_000,
  "urgent-on-chain-sweep": 5_000,
  "non-anchor-channel-fee": 1_000,
  "output-spending-fee": 1_000,
  "channel-close-minimum": 500,
  "min-allowed-non-anchor-channel-remote-fee": 253,
  "min-allowed-anchor-channel-remote-fee": 253,
  "anchor-channel-fee": 500,
};

/** Blocks of these networks are rarely full. */
const otherDefaults: { readonly [target in ConfirmationTarget]: number } = {
  ...mainnetDefaults,
  "urgent-on-chain-sweep": 2_000,
  "channel-close-minimum": 253,
  "anchor-channel-fee": 253,
};

/**
 * What a peer must pay at the least on a channel without anchors is never asked to be above 20 satoshis per virtual
 * byte, whatever estimates say: below it the commitment may have to wait, above it the channel would be closed, at a
 * price, for an estimate that may be wrong.
 */
export const mostAskedOfPeers: FeeratePerKw = feeratePerKw(5_000);
