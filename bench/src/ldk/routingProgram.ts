import { networks } from "@fulmen/bitcoin/network";
import { fromHex } from "@fulmen/bitcoin/primitives";
import { op, p2wsh, script } from "@fulmen/bitcoin/script";
import { type GraphDump, nodeIdAt } from "@fulmen/testkit/routing";
import * as ldk from "lightningdevkit";
import { benchGraph } from "../benchGraph.ts";
import {
  finalCltvExpiryDelta,
  firstHopMsat,
  inTens,
  payerId,
  queryCount,
  querySeed,
  type RouteAnswer,
  type RouteQuery,
  routeQueries,
} from "../routing/routeQueries.ts";
import { takeTurns } from "../side.ts";
import { loadLdk } from "./loadLdk.ts";

// LDK's side of the routing benchmark. Its parameter: how many paths a route may have.
await loadLdk();
const maxPathCount = Number(process.argv[2]);
const logger = ldk.Logger.new_impl({ log: () => {} });
const chainHash = fromHex(networks.mainnet.genesisHash).reverse();
const { dump } = benchGraph();
const graph = await graphOf(dump);
const scorer = ldk.ProbabilisticScorer.constructor_new(
  ldk.ProbabilisticScoringDecayParameters.constructor_default(),
  graph,
  logger,
).as_ScoreLookUp();
const feeParameters = ldk.ProbabilisticScoringFeeParameters.constructor_default();
const seed = new Uint8Array(32).fill(42);
const features = mppFeatures();

await takeTurns(inTens(routeQueries(dump, querySeed, queryCount), answer));

function answer(query: RouteQuery): RouteAnswer {
  const { peer, payee, amountMsat } = query;
  const wanted = parametersOf(fromHex(payee), amountMsat);
  const hops = [firstHop(fromHex(peer))];
  const payer = fromHex(payerId);
  const start = performance.now();
  const found = ldk.UtilMethods.constructor_find_route(
    payer,
    wanted,
    graph,
    hops,
    logger,
    scorer,
    feeParameters,
    seed,
  );
  const milliseconds = performance.now() - start;
  if (!(found instanceof ldk.Result_RouteLightningErrorZ_OK)) return { milliseconds };
  return { milliseconds, feeMsat: Number(found.res.get_total_fees()), parts: found.res.get_paths().length };
}

function parametersOf(payee: Uint8Array, amountMsat: number): ldk.RouteParameters {
  const payment = ldk.PaymentParameters.constructor_new(
    ldk.Payee.constructor_clear(payee, [], features, finalCltvExpiryDelta),
    ldk.Option_u64Z.constructor_none(),
    1008,
    maxPathCount,
    19,
    2,
    new BigUint64Array(0),
    new BigUint64Array(0),
  );
  return ldk.RouteParameters.constructor_from_payment_params_and_value(payment, BigInt(amountMsat));
}

function mppFeatures(): ldk.Bolt11InvoiceFeatures {
  const made = ldk.Bolt11InvoiceFeatures.constructor_empty();
  made.set_variable_length_onion_required();
  made.set_payment_secret_required();
  made.set_basic_mpp_optional();
  return made;
}

function firstHop(peer: Uint8Array): ldk.ChannelDetails {
  const limit = BigInt(firstHopMsat);
  const none = ldk.Option_u64Z.constructor_none();
  return ldk.ChannelDetails.constructor_new(
    ldk.ChannelId.constructor_new_zero(),
    ldk.ChannelCounterparty.constructor_new(
      peer,
      ldk.InitFeatures.constructor_empty(),
      0n,
      null as unknown as ldk.CounterpartyForwardingInfo,
      none,
      none,
    ),
    null as unknown as ldk.OutPoint,
    null as unknown as ldk.ChannelTypeFeatures,
    ldk.Option_u64Z.constructor_some(1n << 40n),
    none,
    none,
    limit / 1000n,
    none,
    0n,
    ldk.Option_u32Z.constructor_none(),
    limit,
    limit,
    1n,
    limit,
    ldk.Option_u32Z.constructor_none(),
    ldk.Option_u32Z.constructor_none(),
    ldk.Option_u16Z.constructor_none(),
    true,
    true,
    ldk.Option_ChannelShutdownStateZ.constructor_none(),
    true,
    false,
    none,
    none,
    null as unknown as ldk.ChannelConfig,
    [],
    [],
  );
}

/** LDK learns of capacities through the outputs on chain only. */
async function graphOf({ nodes, channels }: GraphDump): Promise<ldk.NetworkGraph> {
  const made = ldk.NetworkGraph.constructor_new(ldk.Network.LDKNetwork_Bitcoin, logger);
  const ids = nodes.map(({ nodeId }) => fromHex(nodeId));
  let output = ldk.TxOut.constructor_new(0n, new Uint8Array(0));
  const chain = ldk.Option_UtxoLookupZ.constructor_some(
    ldk.UtxoLookup.new_impl({
      get_utxo: () =>
        ldk.UtxoResult.constructor_sync(ldk.Result_TxOutUtxoLookupErrorZ.constructor_ok(output)),
    }),
  );
  const now = Math.floor(Date.now() / 1000);
  for (const [index, channel] of channels.entries()) {
    if (index % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    const one = ids[channel.nodeOne] ?? fromHex(nodeIdAt(dump, channel.nodeOne));
    const two = ids[channel.nodeTwo] ?? fromHex(nodeIdAt(dump, channel.nodeTwo));
    const keys = script(op._2, one, two, op._2, op.CHECKMULTISIG);
    output = ldk.TxOut.constructor_new(BigInt(channel.capacity), p2wsh(keys));
    const [first, second] = [
      ldk.NodeId.constructor_from_pubkey(one),
      ldk.NodeId.constructor_from_pubkey(two),
    ];
    const added = made.update_channel_from_unsigned_announcement(
      ldk.UnsignedChannelAnnouncement.constructor_new(
        ldk.ChannelFeatures.constructor_empty(),
        chainHash,
        channel.shortChannelId,
        first,
        second,
        first,
        second,
        new Uint8Array(0),
      ),
      chain,
    );
    if (!added.is_ok()) throw new Error(`LDK refuses channel ${index}`);
    for (const [direction, policy] of [channel.oneToTwo, channel.twoToOne].entries()) {
      if (policy === undefined) continue;
      const updated = made.update_channel_unsigned(
        ldk.UnsignedChannelUpdate.constructor_new(
          chainHash,
          channel.shortChannelId,
          now,
          1,
          direction,
          policy.cltvExpiryDelta,
          BigInt(policy.htlcMinimum),
          BigInt(Math.min(policy.htlcMaximum, channel.capacity * 1000)),
          policy.feeBase,
          policy.feeProportionalMillionths,
          new Uint8Array(0),
        ),
      );
      if (!updated.is_ok()) throw new Error(`LDK refuses the terms of channel ${index}`);
    }
  }
  return made;
}
