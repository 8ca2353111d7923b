import { cltvFarFarAway } from "../channel/deadlines.ts";
import { fundedChannel } from "../channel/state.ts";
import { latencyGracePeriod } from "../onchain/deadlines.ts";
import { type BlindedPaymentPath, encodePaymentPathId } from "../onion/index.ts";
import { type InboundChannel, maxBlindedPaths } from "../routing/index.ts";
import type { Bytes32 } from "../util/bytes.ts";
import { blockHeight } from "../util/ids.ts";
import { type Msat, minOf, minusOrZero, satToMsat } from "../util/units.ts";
import { ApiError } from "./apiError.ts";
import { minFinalCltvExpiryDelta } from "./claimables.ts";
import { cltvSafetyBlocks } from "./invoices.ts";
import type { ManagerCore } from "./managerCore.ts";

/** What shall be paid by blinded paths. */
export interface BlindedPathsOptions {
  /** Of `createInboundPayment`. */
  readonly paymentSecret: Bytes32;
  /** What all parts together shall bring; any when absent. */
  readonly amount?: Msat;
  /** As given to `createInboundPayment`: after this time the paths stop to work, too. Default 3,600. */
  readonly expirySeconds?: number;
  /** As given to `createInboundPayment`. */
  readonly minFinalCltvExpiryDelta?: number;
}

/** Somewhat less than the mean time, lest a path lapses before its payment does. @ldk SECONDS_PER_BLOCK */
const secondsPerBlock = 9 * 60;

/** Up to three ways by which a payer finds us without learning who we are; at least one, or an `ApiError`. */
export function blindedPaymentPaths(
  core: ManagerCore,
  options: BlindedPathsOptions,
): readonly BlindedPaymentPath[] {
  const { nodeSigner, router, entropy } = core.environment;
  const { paymentSecret, amount, expirySeconds = 3600 } = options;
  const delta = options.minFinalCltvExpiryDelta ?? minFinalCltvExpiryDelta;
  const lifetime = Math.max(Math.ceil(expirySeconds / secondsPerBlock), cltvFarFarAway);
  const paths = router.createBlindedPaymentPaths?.({
    payee: nodeSigner.nodeId,
    receiveAuthKey: nodeSigner.receiveAuthKey(),
    pathId: encodePaymentPathId({ paymentSecret }),
    maxCltvExpiry: blockHeight(core.tip.height + latencyGracePeriod + lifetime),
    minFinalCltvExpiryDelta: delta + cltvSafetyBlocks,
    channels: inboundChannels(core),
    ...(amount !== undefined && { amount }),
    sessionKeys: Array.from({ length: maxBlindedPaths }, () => entropy.randomBytes(32)),
  });
  if (paths === undefined) throw new ApiError("api-misuse", "the router makes no blinded paths");
  if (paths.length === 0) {
    const text =
      "no blinded path leads here: connect to a peer with `option_route_blinding` and room for the amount";
    throw new ApiError("no-blinded-path", text);
  }
  return paths;
}

/** Our usable channels whose peers have said what they ask for, those first by which most can come. */
function inboundChannels({ channels, counterpartyTerms }: ManagerCore): readonly InboundChannel[] {
  const found: InboundChannel[] = [];
  for (const [channelId, { state }] of channels.all()) {
    const details = channels.details(channelId);
    const channel = fundedChannel(state);
    const relay = counterpartyTerms.of(channelId);
    const shortChannelId = details?.inboundAlias ?? details?.shortChannelId;
    if (channel === undefined || details === undefined || !details.isUsable) continue;
    if (relay === undefined || shortChannelId === undefined) continue;
    const { local } = channel.commitments.params;
    const capacity = minusOrZero(details.remoteBalance, satToMsat(local.channelReserve));
    const features = channels.peers.connection(details.counterparty)?.features;
    found.push({
      counterparty: details.counterparty,
      shortChannelId,
      relay,
      capacity,
      htlcMinimum: local.htlcMinimum,
      htlcMaximum: minOf(local.maxHtlcValueInFlight, satToMsat(details.capacity)),
      supportsRouteBlinding: features?.has("option_route_blinding") ?? false,
    });
  }
  return found.sort((a, b) => (a.capacity > b.capacity ? -1 : a.capacity < b.capacity ? 1 : 0));
}
