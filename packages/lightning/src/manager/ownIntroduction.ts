import { type BlindedPaymentPath, readBlindedForward, unblindHop } from "../onion/index.ts";
import type { PaymentTerms } from "../payment/outboundPayment.ts";
import type { NodeId, ShortChannelId } from "../util/ids.ts";
import { ApiError } from "./apiError.ts";
import type { Channels } from "./channels.ts";
import type { ManagerEnvironment } from "./environment.ts";

/** What is known here of whom blinded paths begin with. */
interface Here {
  readonly environment: ManagerEnvironment;
  readonly channels: Channels;
}

/**
 * The terms with those blinded paths that begin with us begun at the next node: we cannot be asked to pass our own
 * payment on, but know what we would have been told. A path that cannot be begun later stays as it is, and no route
 * takes it. Throws `ApiError` when the paths lead nowhere but here.
 *
 * @ldk lightning::blinded_path::payment::BlindedPaymentPath::advance_path_by_one
 */
export function beyondUs(here: Here, terms: PaymentTerms): PaymentTerms {
  const { routeParameters } = terms;
  const { payee } = routeParameters.paymentParameters;
  if (payee.kind === "clear") return terms;
  const paths = payee.paths.map((path) => advanced(here, path));
  if (paths.length > 0 && paths.every((path) => path.blindedHops.length === 1 && beginsHere(here, path))) {
    throw new ApiError("own-invoice", "the payee's paths lead to this node itself: there is nothing to pay");
  }
  const paymentParameters = { ...routeParameters.paymentParameters, payee: { ...payee, paths } };
  return { ...terms, routeParameters: { ...routeParameters, paymentParameters } };
}

function advanced(here: Here, path: BlindedPaymentPath): BlindedPaymentPath {
  let current = path;
  // Each turn takes off a hop.
  while (beginsHere(here, current) && current.blindedHops.length > 1) {
    const next = withoutFirstHop(here, current);
    if (next === undefined) return current;
    current = next;
  }
  return current;
}

/**
 * As if we had passed the payment on. What we would have kept of it is left to the others: fees may be more than asked
 * for.
 */
function withoutFirstHop(
  { environment, channels }: Here,
  path: BlindedPaymentPath,
): BlindedPaymentPath | undefined {
  const { nodeSigner } = environment;
  const [first, ...blindedHops] = path.blindedHops;
  if (first === undefined) return undefined;
  const hop = unblindHop({
    pathKey: path.pathKey,
    encryptedData: first.encryptedPayload,
    ecdh: (point) => nodeSigner.ecdh(point),
    ownPathKey: nodeSigner.receiveAuthKey(),
  });
  const data = hop && readBlindedForward(hop.data);
  if (hop === undefined || data?.ok !== true) return undefined;
  const { next, relay, nextPathKeyOverride } = data.value;
  const nodeId = next.kind === "node-id" ? next.nodeId : counterpartyOf(channels, next.shortChannelId);
  if (nodeId === undefined) return undefined;
  const { payinfo } = path;
  return {
    introductionNode: { kind: "node-id", nodeId },
    pathKey: nextPathKeyOverride ?? hop.nextPathKey,
    blindedHops,
    payinfo: {
      ...payinfo,
      cltvExpiryDelta: Math.max(0, payinfo.cltvExpiryDelta - relay.cltvExpiryDelta),
    },
  };
}

function beginsHere({ environment, channels }: Here, { introductionNode }: BlindedPaymentPath): boolean {
  const us = environment.nodeSigner.nodeId;
  if (introductionNode.kind === "node-id") return introductionNode.nodeId === us;
  const peer = counterpartyOf(channels, introductionNode.shortChannelId);
  return peer !== undefined && (introductionNode.direction === 0) === us < peer;
}

function counterpartyOf(channels: Channels, name: ShortChannelId): NodeId | undefined {
  const channelId = channels.named(name);
  return channelId && channels.funded(channelId)?.identity.counterparty;
}
