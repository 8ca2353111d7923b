import {
  blockHashFromInternal,
  fromHex,
  type Txid,
  toHex,
  txidFromInternal,
} from "@fulmen/bitcoin/primitives";
import * as ldk from "lightningdevkit";
import { blindedHandlers } from "./ldkBlindedCommands.ts";
import { channelIdHex } from "./ldkEvents.ts";
import { balanceFact, channelFact, paymentFact, peerFact } from "./ldkFacts.ts";
import type { LdkNode } from "./ldkNode.ts";
import { offerHandlers } from "./ldkOfferCommands.ts";
import type { LdkHandlers } from "./ldkProtocol.ts";
import { assertOk, LdkError, okOf, someOf } from "./ldkValues.ts";

/** The commands of `node`; LDK is to be settled after each. */
export function ldkHandlers(node: LdkNode): LdkHandlers {
  return {
    ...connectionHandlers(node),
    ...channelHandlers(node),
    ...chainHandlers(node),
    ...paymentHandlers(node),
    ...offerHandlers(node),
    ...blindedHandlers(node),
    ...stateHandlers(node),
  };
}

const none = {};
const unit = ldk.Result_NoneAPIErrorZ_OK;

function connectionHandlers(node: LdkNode) {
  const { peers, manager } = node.parts;
  return {
    listen: async ({ port = 0 }) => ({ host: "127.0.0.1", port: await node.sockets.listen(port) }),
    connect: async ({ host = "127.0.0.1", port, nodeId }) => {
      await node.sockets.connect(host, port, fromHex(nodeId));
      await until(`init from ${nodeId}`, () =>
        peers.list_peers().some((peer) => toHex(peer.get_counterparty_node_id()) === nodeId),
      );
      return none;
    },
    disconnect: ({ nodeId }) => {
      if (nodeId === undefined) peers.disconnect_all_peers();
      else peers.disconnect_by_node_id(fromHex(nodeId));
      return none;
    },
    peers: () => peers.list_peers().map(peerFact),
    info: () => {
      const best = manager.current_best_block();
      return {
        nodeId: node.nodeId,
        height: best.get_height(),
        blockHash: blockHashFromInternal(best.get_block_hash()),
        features: toHex(manager.init_features().write()),
        walletScript: toHex(node.wallet.script),
      };
    },
    announce: ({ alias = "ldk" }) => {
      const name = new Uint8Array(32);
      name.set(Buffer.from(alias).subarray(0, 32));
      peers.broadcast_node_announcement(Uint8Array.of(1, 2, 3), name, []);
      return none;
    },
    tick: () => {
      manager.timer_tick_occurred();
      peers.timer_tick_occurred();
      return none;
    },
  } satisfies Partial<LdkHandlers>;
}

function channelHandlers(node: LdkNode) {
  const { manager, config } = node.parts;
  return {
    behave: (changes) => {
      node.behaviour = { ...node.behaviour, ...changes };
      return node.behaviour;
    },
    open: ({ nodeId, sats, pushMsat = 0n, anchors, announce }) => {
      const own = config.clone();
      const handshake = own.get_channel_handshake_config();
      if (anchors !== undefined) handshake.set_negotiate_anchors_zero_fee_htlc_tx(anchors);
      if (announce !== undefined) handshake.set_announce_for_forwarding(announce);
      own.set_channel_handshake_config(handshake);
      // The bindings turn a user channel id around byte by byte; zero reads the same both ways.
      const opened = manager.create_channel(fromHex(nodeId), sats, pushMsat, 0n, null, own);
      return {
        temporaryChannelId: channelIdHex(okOf(opened, ldk.Result_ChannelIdAPIErrorZ_OK, "create_channel")),
      };
    },
    accept: ({ temporaryChannelId, nodeId, zeroConf = false }) => {
      const id = ldkChannelId(temporaryChannelId);
      const peer = fromHex(nodeId);
      const accepted = zeroConf
        ? manager.accept_inbound_channel_from_trusted_peer_0conf(id, peer, 0n)
        : manager.accept_inbound_channel(id, peer, 0n);
      assertOk(accepted, unit, "accept_inbound_channel");
      return none;
    },
    fund: ({ temporaryChannelId, nodeId, tx }) => {
      const id = ldkChannelId(temporaryChannelId);
      const funded = manager.funding_transaction_generated(id, fromHex(nodeId), fromHex(tx));
      assertOk(funded, unit, "funding_transaction_generated");
      return none;
    },
    close: ({ channelId, feeratePerKw }) => {
      const channel = channelOf(manager, channelId);
      const peer = channel.get_counterparty().get_node_id();
      const closed =
        feeratePerKw === undefined
          ? manager.close_channel(channel.get_channel_id(), peer)
          : manager.close_channel_with_feerate_and_script(
              channel.get_channel_id(),
              peer,
              ldk.Option_u32Z.constructor_some(feeratePerKw),
              null,
            );
      assertOk(closed, unit, "close_channel");
      return none;
    },
    forceClose: ({ channelId, message = "force close asked for" }) => {
      const channel = channelOf(manager, channelId);
      const closed = manager.force_close_broadcasting_latest_txn(
        channel.get_channel_id(),
        channel.get_counterparty().get_node_id(),
        message,
      );
      assertOk(closed, unit, "force_close_broadcasting_latest_txn");
      return none;
    },
    channels: () => manager.list_channels().map(channelFact),
  } satisfies Partial<LdkHandlers>;
}

function chainHandlers(node: LdkNode) {
  const { chainMonitor, keys } = node.parts;
  return {
    block: (block) => {
      node.connectBlock(block);
      return none;
    },
    bestBlock: ({ header, height }) => {
      node.bestBlock(fromHex(header), height);
      return none;
    },
    unconfirm: ({ txids }) => {
      for (const txid of txids) node.unconfirm(txid as Txid);
      return none;
    },
    relevant: () =>
      node.relevant().map((entry) => {
        const blockHash = someOf(entry.get_c(), ldk.Option_ThirtyTwoBytesZ_Some);
        return {
          txid: txidFromInternal(entry.get_a()),
          height: entry.get_b(),
          blockHash: blockHash === undefined ? undefined : blockHashFromInternal(blockHash),
        };
      }),
    balances: () => chainMonitor.get_claimable_balances([]).map(balanceFact),
    sweep: ({ script, feeratePerKw = 253 }) => {
      const spent = keys
        .as_OutputSpender()
        .spend_spendable_outputs(
          node.spendable,
          [],
          fromHex(script),
          feeratePerKw,
          ldk.Option_u32Z.constructor_none(),
        );
      const tx = okOf(spent, ldk.Result_TransactionNoneZ_OK, "spend_spendable_outputs");
      node.broadcast(tx);
      return { tx: toHex(tx) };
    },
    rebroadcast: () => {
      chainMonitor.rebroadcast_pending_claims();
      return none;
    },
  } satisfies Partial<LdkHandlers>;
}

function paymentHandlers(node: LdkNode) {
  const { manager, entropy } = node.parts;
  return {
    invoice: ({ amountMsat, description = "", expirySeconds = 86_400 }) => {
      const created = manager.create_bolt11_invoice(
        optionalU64(amountMsat),
        ldk.Bolt11InvoiceDescription.constructor_direct(
          okOf(
            ldk.Description.constructor_new(description),
            ldk.Result_DescriptionCreationErrorZ_OK,
            "description",
          ),
        ),
        ldk.Option_u32Z.constructor_some(expirySeconds),
        ldk.Option_u16Z.constructor_none(),
        ldk.Option_ThirtyTwoBytesZ.constructor_none(),
      );
      const invoice = okOf(created, ldk.Result_Bolt11InvoiceSignOrCreationErrorZ_OK, "create_bolt11_invoice");
      return { invoice: invoice.to_str(), paymentHash: toHex(invoice.payment_hash()) };
    },
    pay: ({ invoice, amountMsat }) => {
      const parsed = okOf(
        ldk.Bolt11Invoice.constructor_from_str(invoice),
        ldk.Result_Bolt11InvoiceParseOrSemanticErrorZ_OK,
        "parse the invoice",
      );
      const parameters = okOf(
        amountMsat === undefined
          ? ldk.UtilMethods.constructor_payment_parameters_from_invoice(parsed)
          : ldk.UtilMethods.constructor_payment_parameters_from_variable_amount_invoice(parsed, amountMsat),
        ldk.Result_C3Tuple_ThirtyTwoBytesRecipientOnionFieldsRouteParametersZNoneZ_OK,
        "payment parameters",
      );
      const hash = parameters.get_a();
      // The payment hash serves as payment id: paying an invoice twice is refused.
      assertOk(
        manager.send_payment(hash, parameters.get_b(), hash, parameters.get_c(), retries()),
        ldk.Result_NoneRetryableSendFailureZ_OK,
        "send_payment",
      );
      return { paymentHash: toHex(hash) };
    },
    keysend: ({ nodeId, amountMsat, customTlvs = [], inParts = false }) => {
      const preimage = entropy.get_secure_random_bytes();
      const tlvs = customTlvs.map(([type, value]) =>
        ldk.TwoTuple_u64CVec_u8ZZ.constructor_new(type, fromHex(value)),
      );
      const fields = inParts
        ? ldk.RecipientOnionFields.constructor_secret_only(entropy.get_secure_random_bytes())
        : ldk.RecipientOnionFields.constructor_spontaneous_empty();
      const onion = fields.with_custom_tlvs(tlvs);
      const parameters = ldk.PaymentParameters.constructor_for_keysend(fromHex(nodeId), 24, inParts);
      const sent = manager.send_spontaneous_payment(
        ldk.Option_ThirtyTwoBytesZ.constructor_some(preimage),
        okOf(onion, ldk.Result_RecipientOnionFieldsNoneZ_OK, "custom TLVs"),
        entropy.get_secure_random_bytes(),
        ldk.RouteParameters.constructor_from_payment_params_and_value(parameters, amountMsat),
        retries(),
      );
      const hash = okOf(sent, ldk.Result_ThirtyTwoBytesRetryableSendFailureZ_OK, "send_spontaneous_payment");
      return { paymentHash: toHex(hash), preimage: toHex(preimage) };
    },
    claim: ({ preimage }) => {
      manager.claim_funds(fromHex(preimage));
      return none;
    },
    fail: ({ paymentHash }) => {
      manager.fail_htlc_backwards(fromHex(paymentHash));
      return none;
    },
    abandon: ({ paymentId }) => {
      manager.abandon_payment(fromHex(paymentId));
      return none;
    },
    payments: () => manager.list_recent_payments().map(paymentFact),
  } satisfies Partial<LdkHandlers>;
}

function stateHandlers(node: LdkNode) {
  return {
    graph: () => {
      // The read guard locks the graph until it is freed.
      const graph = node.parts.graph.read_only();
      try {
        return {
          nodes: graph.list_nodes().map((id) => toHex(id.as_slice())),
          shortChannelIds: Array.from(graph.list_channels()),
        };
      } finally {
        graph.free();
      }
    },
    save: () => node.save(),
  } satisfies Partial<LdkHandlers>;
}

function channelOf(manager: ldk.ChannelManager, channelId: string): ldk.ChannelDetails {
  const found = manager
    .list_channels()
    .find((details) => channelIdHex(details.get_channel_id()) === channelId);
  if (found === undefined) throw new LdkError(`no channel ${channelId}`);
  return found;
}

function ldkChannelId(hex: string): ldk.ChannelId {
  return ldk.ChannelId.constructor_new(fromHex(hex));
}

function optionalU64(value: bigint | undefined): ldk.Option_u64Z {
  return value === undefined ? ldk.Option_u64Z.constructor_none() : ldk.Option_u64Z.constructor_some(value);
}

function retries(): ldk.Retry {
  return ldk.Retry.constructor_attempts(3);
}

async function until(what: string, done: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!done()) {
    if (performance.now() > deadline) throw new LdkError(`no ${what} within 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
