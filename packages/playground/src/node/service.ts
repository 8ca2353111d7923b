import type { Event } from "@fulmen/lightning/handlers";
import type { Bytes32, ChannelId, NodeId, PaymentHash } from "@fulmen/lightning/util";
import type { NodeHost } from "./host.ts";
import type { NodeService } from "./protocol.ts";

/** What this node's user does about events: funds channels, takes what is offered, claims what is paid. */
export class EventActions {
  /** Payments that are claimed only when the playground says so. */
  readonly #held = new Set<PaymentHash>();

  hold(paymentHash: PaymentHash): void {
    this.#held.add(paymentHash);
  }

  async act(node: NodeHost, event: Event): Promise<void> {
    const { manager } = node;
    switch (event.kind) {
      case "funding-generation-ready":
        await fund(node, event);
        return;
      case "open-channel-request":
        manager.acceptInboundChannel(event.temporaryChannelId);
        return;
      case "payment-claimable":
        if (!this.#held.has(event.paymentHash)) claim(node, event.paymentHash);
        return;
      default:
    }
  }
}

async function fund(
  { manager, wallet, log }: NodeHost,
  event: Extract<Event, { kind: "funding-generation-ready" }>,
): Promise<void> {
  const { temporaryChannelId, channelValue: value, outputScript: script } = event;
  try {
    manager.fundingTransactionGenerated(temporaryChannelId, await wallet.fund({ value, script }));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    log({ level: "error", module: "wallet", text: `a channel of ${value} sat cannot be funded: ${text}` });
    manager.forceCloseBroadcastingLatestTxn(temporaryChannelId, "the funding failed");
  }
}

function claim({ manager }: NodeHost, paymentHash: PaymentHash): void {
  const payment = manager.listClaimablePayments().find((one) => one.paymentHash === paymentHash);
  const preimage = payment?.purpose.paymentPreimage;
  if (preimage === undefined) throw new Error(`there is no payment ${paymentHash} to claim`);
  manager.claimFunds(preimage as Bytes32);
}

/** What the playground may ask of a node. */
export function nodeService(node: NodeHost, actions: EventActions, cryptoName: string): NodeService {
  const { manager, peerManager, graph, wallet, reconnector, background } = node;
  const waking = <T>(value: T): T => {
    background.wake();
    return value;
  };
  return {
    info: () => ({
      nodeId: manager.nodeId,
      port: node.port,
      crypto: cryptoName,
      scripts: wallet.scripts,
      restoredChannels: node.restoredChannels,
    }),
    status() {
      const channels = [...graph.channels()];
      return {
        height: manager.bestBlock.height,
        peers: peerManager.listPeers().map(({ nodeId }) => nodeId),
        routableChannels: channels.filter(({ oneToTwo, twoToOne }) => oneToTwo && twoToOne).length,
      };
    },
    connect: ({ nodeId, port }) => reconnector.add({ nodeId: nodeId as NodeId, host: "127.0.0.1", port }),
    open: ({ nodeId, funding, format }) =>
      waking(manager.createChannel({ counterparty: nodeId as NodeId, funding, formats: [format] })),
    channels: () => manager.listChannels(),
    walletBalance: () => wallet.balance(),
    invoice({ amount, description, hold }) {
      const made = manager.createBolt11Invoice({ amount, description });
      if (hold) actions.hold(made.paymentHash);
      return made;
    },
    pay: (invoice) => waking(manager.payForBolt11Invoice(invoice)),
    claim: (paymentHash) => waking(claim(node, paymentHash)),
    close: (channelId) => waking(manager.closeChannel(channelId as ChannelId)),
  };
}
