import type { FirstHop, Route, RouteHop, RouteRequest, TriedPath } from "@fulmen/lightning/routing";
import { err, fromHex, msat, type NodeId, nodeIdOf, ok, type ShortChannelId } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import { type GraphDump, nodeIdAt, type RouteChooser } from "@fulmen/testkit/routing";
import * as ldk from "lightningdevkit";

/**
 * LDK's `find_route` with its `ProbabilisticScorer`, both with their defaults, behind our interfaces. `graph` holds
 * what `dump` does.
 */
export function ldkRouteChooser(graph: ldk.NetworkGraph, dump: GraphDump, logger: ldk.Logger): RouteChooser {
  const ends = new Map(
    dump.channels.map((channel) => [
      channel.shortChannelId,
      [nodeIdAt(dump, channel.nodeOne), nodeIdAt(dump, channel.nodeTwo)] as const,
    ]),
  );
  const scorer = ldk.ProbabilisticScorer.constructor_new(
    ldk.ProbabilisticScoringDecayParameters.constructor_default(),
    graph,
    logger,
  );
  const update = scorer.as_ScoreUpdate();
  const lookUp = scorer.as_ScoreLookUp();
  const scoreParameters = ldk.ProbabilisticScoringFeeParameters.constructor_default();
  return {
    router: {
      findRoute(request) {
        const found = ldk.UtilMethods.constructor_find_route(
          fromHex(request.payer),
          routeParametersOf(request),
          graph,
          request.firstHops.map(channelDetailsOf),
          logger,
          ldk.ScorerAccountingForInFlightHtlcs.constructor_new(
            lookUp,
            inFlightOf(request, ends),
          ).as_ScoreLookUp(),
          scoreParameters,
          new Uint8Array(32).fill(42),
        );
        if (found instanceof ldk.Result_RouteLightningErrorZ_OK) return ok(routeOf(found.res));
        return err({ kind: "no-route", text: "LDK found none" });
      },
    },
    scorer: {
      paymentPathFailed: (path, id, now) => update.payment_path_failed(pathOf(path), id, BigInt(now)),
      paymentPathSuccessful: (path, now) => update.payment_path_successful(pathOf(path), BigInt(now)),
      probeFailed: (path, id, now) => update.probe_failed(pathOf(path), id, BigInt(now)),
      probeSuccessful: (path, now) => update.probe_successful(pathOf(path), BigInt(now)),
      timePassed: (now) => update.time_passed(BigInt(now)),
    },
  };
}

function routeParametersOf({ parameters }: RouteRequest): ldk.RouteParameters {
  const { paymentParameters: limits, finalValue, maxFee } = parameters;
  const { payee } = limits;
  if (payee.kind !== "clear") throw new Error("only clear payees are asked for");
  const takesParts = Features.fromBytes(payee.features ?? new Uint8Array()).has("basic_mpp");
  const wanted = ldk.PaymentParameters.constructor_new(
    ldk.Payee.constructor_clear(
      fromHex(payee.nodeId),
      [],
      ldk.Bolt11InvoiceFeatures.constructor_for_keysend(takesParts),
      payee.finalCltvExpiryDelta,
    ),
    ldk.Option_u64Z.constructor_none(),
    limits.maxTotalCltvExpiryDelta,
    limits.maxPathCount,
    limits.maxPathLength,
    limits.maxChannelSaturationPowerOfHalf,
    BigUint64Array.from(limits.previouslyFailedChannels),
    new BigUint64Array(),
  );
  return ldk.RouteParameters.constructor_new(wanted, finalValue, ldk.Option_u64Z.constructor_some(maxFee));
}

/** A channel of the payer's, announced to nobody. */
function channelDetailsOf({ counterparty, shortChannelId, minimum, maximum }: FirstHop): ldk.ChannelDetails {
  const noneOf64 = ldk.Option_u64Z.constructor_none();
  const noneOf32 = ldk.Option_u32Z.constructor_none();
  const peer = ldk.ChannelCounterparty.constructor_new(
    fromHex(counterparty),
    ldk.InitFeatures.constructor_empty(),
    0n,
    null,
    noneOf64,
    noneOf64,
  );
  return ldk.ChannelDetails.constructor_new(
    ldk.ChannelId.constructor_new_zero(),
    peer,
    null,
    null,
    ldk.Option_u64Z.constructor_some(shortChannelId),
    noneOf64,
    noneOf64,
    maximum / 1000n,
    noneOf64,
    0n,
    noneOf32,
    maximum,
    maximum,
    minimum,
    0n,
    noneOf32,
    noneOf32,
    ldk.Option_u16Z.constructor_none(),
    true,
    true,
    ldk.Option_ChannelShutdownStateZ.constructor_none(),
    true,
    false,
    noneOf64,
    noneOf64,
    null,
    [],
    [],
  );
}

/** Where a channel lies: the ids of its two nodes. */
type ChannelEnds = ReadonlyMap<ShortChannelId, readonly [NodeId, NodeId]>;

function inFlightOf({ inFlightHtlcs }: RouteRequest, ends: ChannelEnds): ldk.InFlightHtlcs {
  const inFlight = ldk.InFlightHtlcs.constructor_new();
  for (const { source, shortChannelId, amount } of inFlightHtlcs) {
    const target = ends.get(shortChannelId)?.find((node) => node !== source);
    if (target === undefined) throw new Error(`no channel ${shortChannelId}`);
    inFlight.add_inflight_htlc(idOf(source), idOf(target), shortChannelId, amount);
  }
  return inFlight;
}

function idOf(nodeId: NodeId): ldk.NodeId {
  return ldk.NodeId.constructor_from_pubkey(fromHex(nodeId));
}

function routeOf(route: ldk.Route): Route {
  return { paths: route.get_paths().map((path) => ({ hops: path.get_hops().map(hopOf) })) };
}

function hopOf(hop: ldk.RouteHop): RouteHop {
  return {
    nodeId: nodeIdOf(hop.get_pubkey()),
    // The bindings read it as signed.
    shortChannelId: BigInt.asUintN(64, hop.get_short_channel_id()) as ShortChannelId,
    fee: msat(hop.get_fee_msat()),
    cltvExpiryDelta: hop.get_cltv_expiry_delta(),
  };
}

/** As much of a path as a scorer reads: its nodes, channels and what reaches the end. */
function pathOf({ hops, finalValue }: TriedPath): ldk.Path {
  const read = hops.map(({ nodeId, shortChannelId }, index) =>
    ldk.RouteHop.constructor_new(
      fromHex(nodeId),
      ldk.NodeFeatures.constructor_empty(),
      shortChannelId,
      ldk.ChannelFeatures.constructor_empty(),
      index === hops.length - 1 ? finalValue : 0n,
      0,
      true,
    ),
  );
  return ldk.Path.constructor_new(read, null);
}
