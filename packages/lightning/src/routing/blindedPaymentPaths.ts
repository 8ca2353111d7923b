import type { ReadOnlyNetworkGraph } from "../gossip/index.ts";
import {
  type BlindedPaymentPath,
  type BlindedPaymentPathPlan,
  createBlindedPaymentPath,
  type PaymentRelay,
} from "../onion/index.ts";
import type { NodeId, ShortChannelId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { type Msat, maxU64, msat } from "../util/units.ts";

/** A channel of ours by which we can be paid. */
export interface InboundChannel {
  readonly counterparty: NodeId;
  /** The name by which the peer knows it towards us. */
  readonly shortChannelId: ShortChannelId;
  /** What the peer asks for passing a payment on to us. */
  readonly relay: PaymentRelay;
  /** What can come in, once all that is on its way has failed. */
  readonly capacity: Msat;
  /** Bounds of one HTLC. */
  readonly htlcMinimum: Msat;
  readonly htlcMaximum: Msat;
  /** Whether the peer reads blinded onions (`option_route_blinding`). */
  readonly supportsRouteBlinding: boolean;
}

/** All that blinded paths to us are made of; plain data. */
export interface BlindedPathsRequest
  extends Pick<
    BlindedPaymentPathPlan,
    "payee" | "receiveAuthKey" | "pathId" | "maxCltvExpiry" | "minFinalCltvExpiryDelta"
  > {
  /** Those of which a usable one may be chosen; preferred ones first. */
  readonly channels: readonly InboundChannel[];
  /** What all parts together shall bring; any when absent. */
  readonly amount?: Msat;
  /** `maxBlindedPaths` fresh private keys. */
  readonly sessionKeys: readonly Uint8Array[];
}

/** @ldk DefaultRouter::create_blinded_payment_paths, MAX_PAYMENT_PATHS */
export const maxBlindedPaths = 3;
/** A peer with fewer channels in the graph would say too well who hides behind it. @ldk MIN_PEER_CHANNELS */
const minPeerChannels = 3;
/** @ldk DEFAULT_PAYMENT_DUMMY_HOPS */
const dummyHops = 3;

/**
 * Up to three blinded paths to us, each over one peer and some dummies behind us. When no peer is fit, one that begins
 * at ourselves, which hides nothing; none when we are not announced, as that would say more of us than payers know.
 *
 * @ldk lightning::routing::router::DefaultRouter::create_blinded_payment_paths
 */
export function createBlindedPaymentPaths(
  request: BlindedPathsRequest,
  graph: Pick<ReadOnlyNetworkGraph, "node">,
): readonly BlindedPaymentPath[] {
  const isAnnounced = graph.node(request.payee) !== undefined;
  const paths: BlindedPaymentPath[] = [];
  for (const channel of request.channels) {
    if (paths.length === maxBlindedPaths) break;
    if (!isFit(channel, request) || !hidesUs(channel, { request, graph, isAnnounced })) continue;
    const path = pathOver([channel], request, paths.length);
    if (path !== undefined) paths.push(path);
  }
  if (paths.length > 0 || !isAnnounced) return paths;
  const direct = pathOver([], request, 0);
  return direct === undefined ? [] : [direct];
}

/** Whether the peer can read its part, and the whole amount can come by the channel. */
function isFit(channel: InboundChannel, { amount }: BlindedPathsRequest): boolean {
  const { supportsRouteBlinding, capacity, htlcMinimum, htlcMaximum } = channel;
  if (!supportsRouteBlinding) return false;
  return amount === undefined || (amount <= capacity && amount >= htlcMinimum && amount <= htlcMaximum);
}

/** Whether payers can find the peer, and we are one of several that may be behind it. */
function hidesUs(
  { counterparty }: InboundChannel,
  at: {
    readonly request: BlindedPathsRequest;
    readonly graph: Pick<ReadOnlyNetworkGraph, "node">;
    readonly isAnnounced: boolean;
  },
): boolean {
  const { request, graph, isAnnounced } = at;
  const node = graph.node(counterparty);
  if (node !== undefined) return !isAnnounced || node.channels.length >= minPeerChannels;
  // Who is not announced and has one peer only is paid by that peer or not at all.
  return !isAnnounced && request.channels.every((other) => other.counterparty === counterparty);
}

function pathOver(
  channels: readonly InboundChannel[],
  request: BlindedPathsRequest,
  index: number,
): BlindedPaymentPath | undefined {
  const { payee, receiveAuthKey, pathId, maxCltvExpiry, minFinalCltvExpiryDelta } = request;
  const made = createBlindedPaymentPath({
    payee,
    receiveAuthKey,
    pathId,
    maxCltvExpiry,
    minFinalCltvExpiryDelta,
    dummyHops,
    forwardNodes: channels.map(({ counterparty: nodeId, ...channel }) => ({ nodeId, ...channel })),
    htlcMinimum: msat(1n),
    htlcMaximum: msat(maxU64),
    sessionKey: present(request.sessionKeys[index], "a session key for each path"),
  });
  return made.ok ? made.value : undefined;
}
