import type { Event } from "@fulmen/lightning/handlers";
import { type Balance, type ChannelMonitor, claimableBalances } from "@fulmen/lightning/onchain";
import { type Bytes32, type ChannelId, type NodeId, type PaymentHash, sum } from "@fulmen/lightning/util";
import type { NodeHost } from "./host.ts";
import type { NodeService, WaitingFunds } from "./protocol.ts";
import { fund } from "./wallet.ts";

/** What this node's user does about events: funds channels, takes what is offered, claims what is paid. */
export class EventActions {
  /** Payments that are claimed only when the playground says so. */
  readonly #held = new Set<PaymentHash>();

  hold(paymentHash: PaymentHash): void {
    this.#held.add(paymentHash);
  }

  act(node: NodeHost, event: Event): void {
    const { manager } = node;
    switch (event.kind) {
      case "funding-generation-ready":
        fundChannel(node, event);
        return;
      case "open-channel-request":
        manager.acceptInboundChannel(event.temporaryChannelId);
        return;
      case "payment-claimable":
        // One whose preimage the node does not have waits for the one who has it.
        if (!this.#held.has(event.paymentHash) && event.purpose.paymentPreimage !== undefined) {
          claim(node, event.paymentHash);
        }
        return;
      default:
    }
  }
}

function fundChannel(
  { manager, wallet, log }: NodeHost,
  event: Extract<Event, { kind: "funding-generation-ready" }>,
): void {
  const { temporaryChannelId, channelValue: value, outputScript: script } = event;
  try {
    manager.fundingTransactionGenerated(temporaryChannelId, fund(wallet, { value, script }));
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
  const { manager, chainMonitor, sweeper, peerManager, graph, wallet, keys, reconnector, background } = node;
  const destination = keys.destinationScript(new Uint8Array(32));
  const waking = <T>(value: T): T => {
    background.wake();
    return value;
  };
  return {
    info: () => ({
      nodeId: manager.nodeId,
      port: node.port,
      crypto: cryptoName,
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
    walletBalance() {
      const { confirmed, trustedPending, untrustedPending, locked } = wallet.balance();
      return sum([confirmed, trustedPending, untrustedPending, locked]);
    },
    address: () => waking(wallet.nextAddress().script),
    scripts: () => [...wallet.scripts(), destination, keys.shutdownScript()],
    waitingFunds: () => [...chainMonitor.monitors()].flatMap((monitor) => waitingFunds(monitor, destination)),
    sweepsUnderWay: () =>
      sweeper
        .trackedSpendableOutputs()
        .filter(({ status }) => status.kind !== "pending-threshold-confirmations").length,
    invoice({ amount, description, hold }) {
      const made = manager.createBolt11Invoice({ amount, description });
      if (hold) actions.hold(made.paymentHash);
      return made;
    },
    pay: (invoice) => waking(manager.payForBolt11Invoice(invoice)),
    whyRoute: () => node.router.last?.text ?? "",
    phantomRouteHints: () => manager.phantomRouteHints(),
    claim: (paymentHash) => waking(claim(node, paymentHash)),
    claimWith: (preimage) => waking(manager.claimFunds(preimage as Bytes32)),
    close: (channelId) => waking(manager.closeChannel(channelId as ChannelId)),
    forceClose: (channelId) =>
      waking(manager.forceCloseBroadcastingLatestTxn(channelId as ChannelId, "the user asked for it")),
  };
}

/** What a closed channel's monitor still counts as ours, or may. */
function waitingFunds(monitor: ChannelMonitor, destination: Uint8Array): readonly WaitingFunds[] {
  if (monitor.chain.fundingSpend === undefined) return [];
  const { channelId } = monitor.setup;
  return claimableBalances(monitor, destination).map((balance) => {
    const until = heightOf(balance);
    return { channelId, kind: balance.kind, amount: balance.amount, ...(until !== undefined && { until }) };
  });
}

function heightOf(balance: Balance): number | undefined {
  switch (balance.kind) {
    case "claimable-awaiting-confirmations":
      return balance.confirmationHeight;
    case "contentious-claimable":
      return balance.timeoutHeight;
    case "maybe-timeout-claimable-htlc":
      return balance.claimableHeight;
    case "maybe-preimage-claimable-htlc":
      return balance.expiryHeight;
    case "claimable-on-channel-close":
    case "counterparty-revoked-output-claimable":
      return undefined;
  }
}
