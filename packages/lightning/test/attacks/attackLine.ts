import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { signFirstCommitment } from "#src/channel/ops/firstCommitments";
import type { FormatName } from "#src/commitment/params";
import type { ContestedOutput } from "#src/onchain/chainView";
import type { ChannelMonitor } from "#src/onchain/channelMonitor";
import { isContested } from "#src/onchain/commitmentOutputs";
import type { ChannelId, OutPoint } from "#src/util/ids";
import { invariant, present } from "#src/util/invariant";
import { type Msat, msat } from "#src/util/units";
import { ManagerNet, type ManagerNode, testConfig } from "../manager/managers.ts";
import { Cheat } from "./cheat.ts";

export function configFor(format: FormatName) {
  const { channelHandshakeConfig } = testConfig;
  return {
    ...testConfig,
    channelHandshakeConfig: {
      ...channelHandshakeConfig,
      negotiateAnchorsZeroFeeHtlcTx: format !== "static-remotekey",
      negotiateAnchorZeroFeeCommitments: format === "zero-fee-commitments",
    },
  };
}

/** Alice - Bob - Carol. Bob is honest; the others may be an attacker's, alone or together. */
export class AttackLine {
  readonly net = new ManagerNet();
  readonly alice: ManagerNode;
  readonly bob: ManagerNode;
  readonly carol: ManagerNode;
  readonly ab: ChannelId;
  readonly bc: ChannelId;

  constructor(format: FormatName) {
    const { net } = this;
    const config = configFor(format);
    this.alice = net.add(config);
    this.bob = net.add(config);
    this.carol = net.add(config);
    net.connect(this.alice, this.bob);
    net.connect(this.bob, this.carol);
    this.ab = net.open(this.alice, this.bob, { push: msat(300_000_000n) });
    this.bc = net.open(this.bob, this.carol, { push: msat(300_000_000n) });
  }

  /** Alice pays Carol through Bob. */
  pay(amount: Msat, preimage: Uint8Array) {
    const { alice, bob, carol, ab, bc } = this;
    const path = [
      { to: bob, by: alice, channelId: ab },
      { to: carol, by: bob, channelId: bc },
    ];
    return this.net.pay(alice, amount, path, { preimage });
  }

  /** One more upstream peer of Bob's. */
  addPayer(format: FormatName): { readonly node: ManagerNode; readonly channelId: ChannelId } {
    const node = this.net.add(configFor(format));
    this.net.connect(node, this.bob);
    return { node, channelId: this.net.open(node, this.bob, { push: msat(300_000_000n) }) };
  }

  /** Blocks, with these transactions in the first, and everybody does what follows. */
  mine(blocks: number, transactions: readonly Transaction[] = []): void {
    for (let i = 0; i < blocks; i++) {
      this.net.mine(1, i === 0 ? transactions : []);
      this.net.settle();
    }
  }

  mineTo(height: number): void {
    this.mine(height - this.net.height);
  }

  /** Transactions of Bob's since the last call that spend an output of `commitment`, each once. */
  takeClaims(commitment: Transaction): readonly Transaction[] {
    const id = txid(commitment);
    const found = new Map<string, Transaction>();
    for (const transaction of this.bob.broadcasts) {
      if (transaction.inputs.some(({ outPoint }) => outPoint.txid === id)) {
        found.set(txid(transaction), transaction);
      }
    }
    this.bob.broadcasts.length = 0;
    return [...found.values()];
  }
}

/** What `node` could publish now and for ever. */
export function cheatOf(node: ManagerNode, channelId: ChannelId): Cheat {
  return new Cheat(node.keys, monitorOf(node, channelId));
}

export function monitorOf(node: ManagerNode, channelId: ChannelId): ChannelMonitor {
  return present(node.monitor.monitor(channelId), "a monitor");
}

/** The contested outputs of the confirmed commitment that stand for HTLCs, as `node` sees them, by HTLC id. */
export function htlcOutputs(node: ManagerNode, channelId: ChannelId): readonly ContestedOutput[] {
  const outputs = monitorOf(node, channelId).chain.fundingSpend?.outputs ?? [];
  return outputs.filter(isContested).filter(({ htlc }) => htlc !== undefined);
}

/** A transaction that takes an output by showing 32 bytes. */
export function showing({ outPoint }: Pick<ContestedOutput, "outPoint">, preimage: Uint8Array): Transaction {
  return {
    version: 2,
    inputs: [
      {
        outPoint,
        scriptSig: new Uint8Array(0),
        sequence: 0xffff_fffd,
        witness: [new Uint8Array(72), preimage, new Uint8Array(130)],
      },
    ],
    outputs: [],
    locktime: 0,
  };
}

/** Mallory, whose opening Bob has accepted, signs for any output of any transaction as the funding. */
export function signFunding(
  mallory: ManagerNode,
  bob: ManagerNode,
  of: { readonly temporary: ChannelId; readonly outPoint: OutPoint },
): void {
  const { temporary, outPoint } = of;
  const entry = present(mallory.manager.core.channels.get(temporary), "Mallory's opening");
  invariant(entry.state.kind === "wait-for-funding-transaction", "an opening that waits for its funding");
  const answer = present(entry.signer?.sign(signFirstCommitment(entry.state.opening, outPoint)), "an answer");
  invariant(answer.kind === "counterparty-commitment", "signatures");
  bob.receive(mallory.nodeId, {
    type: "funding_created",
    temporaryChannelId: temporary,
    fundingTxid: outPoint.txid,
    fundingOutputIndex: outPoint.index,
    signature: present(answer.signatures[0], "a signature").signature,
  });
}
