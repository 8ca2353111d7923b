import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { KvWrite } from "@fulmen/lightning/chain";
import { type ChannelId, fromHex, msat, present, sat, toHex } from "@fulmen/lightning/util";
import { TestNetwork, type TestNode } from "@fulmen/testkit";

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
  const [, idle] = open();
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
  multiply(node, idle, channels - 3);
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

/** Blocks that the channels have lived. */
const depth = 144;

/** The latency grace period: see `onchain/deadlines.ts` of the kit. */
const blocksAfterExpiry = 3;

/** Copies the records of one channel under other ids. */
function multiply(node: TestNode, channelId: ChannelId, copies: number): void {
  const monitor = present(node.chainMonitor.monitor(channelId), "a monitor");
  const { txid } = monitor.setup.funding.outPoint;
  const records = ["channel/", "monitor/"].flatMap((prefix) => node.store.entries(`${prefix}${channelId}/`));
  const writes: KvWrite[] = [];
  for (let copy = 1; copy <= copies; copy++) {
    const number = copy.toString(16).padStart(8, "0");
    const newTxid = txid.slice(0, 8) + number + txid.slice(16);
    const reversed = (hex: string): string => toHex(fromHex(hex).reverse());
    // The id is the funding transaction's, in the order of the wire, with the output's index in its last bytes.
    const newId = reversed(newTxid).slice(0, 60) + channelId.slice(60);
    for (const { key, value } of records) {
      const hex = toHex(value)
        .replaceAll(channelId, newId)
        .replaceAll(reversed(txid), reversed(newTxid))
        .replaceAll(txid, newTxid);
      writes.push({ key: key.replace(channelId, newId), value: fromHex(hex) });
    }
  }
  node.store.commitNow(writes);
}
