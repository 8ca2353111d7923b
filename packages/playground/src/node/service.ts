import { type Balance, type ChannelMonitor, claimableBalances } from "@fulmen/lightning/onchain";
import { type Bytes32, type ChannelId, type NodeId, type PaymentId, sum } from "@fulmen/lightning/util";
import type { NodeHost } from "./host.ts";
import type { NodeService, WaitingFunds } from "./protocol.ts";

/** What the playground may ask of a node. */
export function nodeService(
  { node, parts, folder, port, restoredChannels }: NodeHost,
  crypto: string,
): NodeService {
  const { manager, chainMonitor, sweeper, peerManager, graph, wallet, keys, reconnector, background } = parts;
  const destination = keys.destinationScript(new Uint8Array(32));
  let lastRoute = "";
  const waking = <T>(value: T): T => {
    background.wake();
    return value;
  };
  return {
    info: () => ({ nodeId: node.nodeId, port, crypto, restoredChannels }),
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
    invoice: (request) => node.receive(request),
    async pay(invoice) {
      const { found, text } = await node.explainRoute(invoice);
      if (found) lastRoute = text;
      const { id } = await node.pay(invoice, { returnAtOnce: true });
      return id as PaymentId;
    },
    whyRoute: () => lastRoute,
    phantomRouteHints: () => manager.phantomRouteHints(),
    async claim(paymentHash) {
      await node.claim(paymentHash);
    },
    claimWith: (preimage) => waking(manager.claimFunds(preimage as Bytes32)),
    close: (channelId) => node.closeChannel(channelId as ChannelId),
    async serveDashboard(former) {
      // Loaded only now: nobody waits for it before the first payment.
      const { serveDashboard } = await import("./dashboard.ts");
      return serveDashboard(node, folder, former);
    },
    forceClose: (channelId) => node.forceCloseChannel(channelId as ChannelId),
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
