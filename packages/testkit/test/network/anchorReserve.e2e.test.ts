import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { FormatName } from "@fulmen/lightning/commitment";
import { AnchorReserveError } from "@fulmen/lightning/manager";
import {
  type AnchorReserveTerms,
  defaultAnchorReserveTerms,
  reservePerChannel,
} from "@fulmen/lightning/onchain";
import { type Bytes32, feeratePerKw, msat, type Sat, sat } from "@fulmen/lightning/util";
import { TestNetwork, type TestNode } from "@fulmen/testkit";

before(() => {
  installNodeCrypto();
});

const satPerVbyte = 200n;
const htlcs = 2;
const terms: AnchorReserveTerms = {
  ...defaultAnchorReserveTerms,
  upperBoundFeerate: feeratePerKw(satPerVbyte * 250n),
  expectedAcceptedHtlcs: htlcs,
};
const htlcAmount = 400_000n;

/** A node with channels to peers of its own, and coins that are exactly its reserve. */
class Hub {
  readonly network = new TestNetwork();
  readonly hub: TestNode;
  readonly peers: TestNode[] = [];

  /** Channels are funded from elsewhere unless `fundsChannels`. */
  constructor({ fundsChannels = false } = {}) {
    this.hub = this.network.addNode({ anchorReserve: { terms, fundsChannels } });
  }

  add(format: FormatName): void {
    const { network, hub } = this;
    const peer = network.addNode();
    network.connect(hub, peer);
    this.giveReserve(reservePerChannel(terms, format));
    network.openChannel(hub, peer, { funding: sat(5_000_000n), push: msat(2_000_000_000n), format });
    this.peers.push(peer);
  }

  giveReserve(value: Sat): void {
    if (value > 0n) this.network.giveCoins([this.hub], value, 1);
  }

  /** As many HTLCs each way in each channel as the reserve is for. */
  fillWithHtlcs(): void {
    const { network, hub } = this;
    for (const peer of this.peers) {
      for (const [from, to] of [
        [hub, peer],
        [peer, hub],
      ] as const) {
        network.claims(to, "hold");
        for (let i = 0; i < htlcs; i++) network.payInvoice(from, to, msat(htlcAmount * 1_000n + BigInt(i)));
      }
    }
  }

  /** All channels at once, while fees are at the upper bound; the hub learns the preimages of what it was offered. */
  closeAll(): void {
    const { network, hub } = this;
    for (const link of network.links) {
      link.reconnects = false;
      network.cut(link);
    }
    hub.feerate = () => terms.upperBoundFeerate;
    for (const event of hub.eventList) {
      if (event.kind !== "payment-claimable" || event.purpose.paymentPreimage === undefined) continue;
      hub.manager.claimFunds(event.purpose.paymentPreimage as Bytes32);
    }
    for (const { channelId } of hub.manager.listChannels()) {
      hub.manager.forceCloseBroadcastingLatestTxn(channelId, "a storm of fees");
    }
    network.settle();
  }

  /** Blocks in which there is room for those only who pay the upper bound. */
  mineAtUpperBound(count: number): void {
    for (let i = 0; i < count; i++) {
      this.network.chain.mine(1, { minFeerate: (satPerVbyte - 1n) * 1_000n });
      for (const node of this.network.nodes) node.syncChain();
      this.network.settle();
    }
  }

  commitments(): readonly Transaction[] {
    const { hub, network } = this;
    const found = new Map<string, Transaction>();
    for (const { funding } of hub.manager.listChannels()) {
      const spender = network.chain.outputSpentBy(funding);
      if (spender?.block !== undefined) found.set(txid(spender.transaction), spender.transaction);
    }
    return [...found.values()];
  }

  /** HTLC outputs that a confirmed transaction of the hub has taken. */
  takenHtlcs(): number {
    const own = new Set(this.hub.broadcasts.map(({ transaction }) => txid(transaction)));
    let taken = 0;
    for (const commitment of this.commitments()) {
      for (const [index, { value }] of commitment.outputs.entries()) {
        if (value !== htlcAmount) continue;
        const spender = this.network.chain.outputSpentBy({ txid: txid(commitment), index });
        if (spender?.block !== undefined && own.has(txid(spender.transaction))) taken++;
      }
    }
    return taken;
  }

  worries(): readonly string[] {
    return this.hub.log.filter(({ level }) => level === "error").map(({ text }) => text);
  }
}

const mixes: Readonly<Record<string, readonly FormatName[]>> = {
  "anchors-zero-fee-htlc": Array(3).fill("anchors-zero-fee-htlc"),
  "zero-fee-commitments": Array(3).fill("zero-fee-commitments"),
  "both formats": ["zero-fee-commitments", "anchors-zero-fee-htlc", "zero-fee-commitments"],
};

describe("attack: all channels are closed at once at 200 sat/vB, and the anchor reserve is all there is", () => {
  for (const [name, formats] of Object.entries(mixes)) {
    it(`gets every commitment and every HTLC confirmed -- ${name}`, () => {
      const attacked = new Hub();
      for (const format of formats) attacked.add(format);
      attacked.fillWithHtlcs();
      attacked.closeAll();
      attacked.mineAtUpperBound(1);
      assert.equal(attacked.commitments().length, formats.length);
      attacked.mineAtUpperBound(3);
      assert.equal(attacked.takenHtlcs(), formats.length * htlcs);
      attacked.mineAtUpperBound(200);
      assert.equal(attacked.takenHtlcs(), 2 * formats.length * htlcs);
      assert.deepEqual(attacked.worries(), []);
    });
  }
});

describe("a node with an anchor reserve", () => {
  const anchors = "anchors-zero-fee-htlc";
  const reserve = reservePerChannel(terms, anchors);
  const open = ({ network, hub }: Hub, format: FormatName): TestNode => {
    const peer = network.addNode();
    network.connect(hub, peer);
    hub.manager.createChannel({
      counterparty: peer.nodeId,
      funding: sat(1_000_000n),
      formats: [format],
    });
    network.settle();
    return peer;
  };

  it("opens no channel that it could not close, and says how much is missing", () => {
    const node = new Hub();
    node.add(anchors);
    node.giveReserve(sat(reserve - 1n));
    const before = node.hub.manager.listChannels().length;
    assert.throws(
      () => open(node, anchors),
      (error) => {
        assert.ok(error instanceof AnchorReserveError);
        assert.equal(error.code, "insufficient-anchor-reserve");
        assert.deepEqual(error.refusal, {
          kind: "insufficient-anchor-reserve",
          needed: 2n * reserve,
          available: 2n * reserve - 1n,
          reserved: reserve,
        });
        assert.match(error.message, new RegExp(`^${2n * reserve} sat .* ${reserve} of them .*: 1 more`));
        return true;
      },
    );
    assert.equal(node.hub.manager.listChannels().length, before);
    assert.equal(node.hub.manager.requiredAnchorReserve(), reserve);
    // Another format needs none of it.
    open(node, "static-remotekey");
    assert.equal(node.hub.manager.requiredAnchorReserve(), reserve);
  });

  it("keeps the reserve apart from what it funds a channel with", () => {
    const node = new Hub({ fundsChannels: true });
    const funding = 1_000_000n;
    node.giveReserve(sat(funding + reserve - 1n));
    assert.throws(
      () => open(node, anchors),
      (error) => {
        assert.ok(
          error instanceof AnchorReserveError && error.refusal.kind === "insufficient-anchor-reserve",
        );
        assert.equal(error.refusal.needed, funding + reserve);
        return true;
      },
    );
    node.giveReserve(sat(1_000n));
    open(node, anchors);
    assert.equal(node.hub.manager.requiredAnchorReserve(), reserve);
  });

  it("counts channels that are about to be opened", () => {
    const node = new Hub();
    node.giveReserve(reserve);
    open(node, anchors);
    assert.equal(node.hub.manager.requiredAnchorReserve(), reserve);
    assert.throws(() => open(node, anchors), AnchorReserveError);
  });

  it("accepts none either", () => {
    const { network, hub } = new Hub();
    const refusals: unknown[] = [];
    hub.onEvent = (node, event) => {
      if (event.kind !== "open-channel-request") return;
      try {
        node.manager.acceptInboundChannel(event.temporaryChannelId);
      } catch (error) {
        refusals.push(error);
      }
    };
    const peer = network.addNode();
    network.connect(hub, peer);
    const ask = (format: FormatName): number => {
      peer.manager.createChannel({ counterparty: hub.nodeId, funding: sat(1_000_000n), formats: [format] });
      network.settle();
      network.mine(8);
      return hub.manager.listUsableChannels().length;
    };
    assert.equal(ask(anchors), 0);
    assert.equal(refusals.length, 1);
    assert.ok(refusals[0] instanceof AnchorReserveError);
    assert.equal(ask("static-remotekey"), 1);
    network.giveCoins([hub], reserve, 1);
    assert.equal(ask(anchors), 2);
    assert.equal(refusals.length, 1);
  });

  it("lets go of the reserve when nothing of a closed channel can need it any more", () => {
    const node = new Hub();
    node.add(anchors);
    node.closeAll();
    node.mineAtUpperBound(1);
    assert.equal(node.hub.manager.requiredAnchorReserve(), reserve);
    node.mineAtUpperBound(5);
    assert.equal(node.hub.manager.requiredAnchorReserve(), 0n);
  });
});
