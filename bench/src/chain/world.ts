import type { Transaction } from "@fulmen/bitcoin/transaction";
import { type ChannelId, msat, present, sat } from "@fulmen/lightning/util";
import { TestNetwork, type TestNode } from "@fulmen/testkit";
import { copiesOfChannel } from "../channelCopies.ts";

const terms = { funding: sat(1_000_000n), push: msat(400_000_000n), format: "static-remotekey" } as const;

/** A node with many channels, all idle but two. */
export interface World {
  readonly node: TestNode;
  /** The channel that its peer closes by a transaction that is in no block yet. */
  readonly closing: ChannelId;
  readonly closingTransaction: Transaction;
  /** The channel with an HTLC that nobody settles, and the height at which it must go on chain for that. */
  readonly waiting: ChannelId;
  readonly deadline: number;
}

/** A node with that many channels, at least 3. The idle ones are one channel's records, given other ids. */
export function worldWith(channels: number): World {
  const network = new TestNetwork();
  const node = network.addNode();
  const open = (): readonly [TestNode, ChannelId] => {
    const peer = network.addNode();
    network.connect(node, peer);
    return [peer, network.openChannel(node, peer, terms)];
  };
  const [idlePeer, idle] = open();
  const [closer, closing] = open();
  const [holder, waiting] = open();
  network.mine(depth);
  network.claims(holder, "hold");
  network.payInvoice(node, holder, msat(20_000_000n));
  for (const link of network.links) {
    link.reconnects = false;
    network.cut(link);
  }
  network.settle();
  closer.manager.forceCloseBroadcastingLatestTxn(closing, "seen in the block to come");
  network.settle();
  const closed = closer.broadcasts.find(({ type }) => type === "unilateral-close");
  const { setup } = present(node.chainMonitor.monitor(idle), "a monitor");
  node.store.commitNow(
    copiesOfChannel(node.store.entries(), {
      channelId: idle,
      txid: setup.funding.outPoint.txid,
      counterparty: idlePeer.nodeId,
      copies: channels - 3,
    }),
  );
  node.restart();
  const htlc = present(node.chainMonitor.monitor(waiting)?.rows[0]?.htlc, "an HTLC that waits");
  return {
    node,
    closing,
    closingTransaction: present(closed, "the peer's commitment").transaction,
    waiting,
    deadline: htlc.cltvExpiry + blocksAfterExpiry,
  };
}

/**
 * A node whose channels were all closed in agreement, and have nothing left on the chain. They are one channel's
 * records, given other ids.
 */
export function resolvedWorld(channels: number): TestNode {
  const network = new TestNetwork();
  const [node, peer] = [network.addNode(), network.addNode()];
  network.connect(node, peer);
  const channelId = network.openChannel(node, peer, terms);
  node.manager.closeChannel(channelId);
  network.settle();
  network.mine(depth);
  const { txid } = present(node.chainMonitor.monitor(channelId), "a monitor").setup.funding.outPoint;
  const copied = { channelId, txid, counterparty: peer.nodeId, copies: channels - 1 };
  node.store.commitNow(copiesOfChannel(node.store.entries(), copied));
  node.restart();
  return node;
}

/** Blocks that the channels have lived. */
const depth = 144;

/** The latency grace period: see `onchain/deadlines.ts` of the kit. */
const blocksAfterExpiry = 3;
