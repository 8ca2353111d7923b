import { crypto } from "@fulmen/bitcoin/crypto";
import { fromHex, reverseBytes, type Sat, type Txid } from "@fulmen/bitcoin/primitives";
import { ByteWriter, encodeTransaction } from "@fulmen/bitcoin/transaction";
import * as ldk from "lightningdevkit";
import { channelSats } from "../paymentsMeasurement.ts";
import { buildBenchNode, type LdkBenchNode } from "./benchNode.ts";
import { MemoryPipe } from "./memoryPipe.ts";

const genesis = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206";

/** Two LDK nodes with a confirmed anchors channel of `channelSats`, all on the first node's side. */
export class LdkBenchPair {
  readonly payer: LdkBenchNode;
  readonly payee: LdkBenchNode;
  readonly #pipe: MemoryPipe;
  #tip = reverseBytes(fromHex(genesis));
  #height = 0;
  #time = Math.floor(Date.now() / 1000) - 3_600;

  constructor() {
    this.payer = buildBenchNode(1, this.#time);
    this.payee = buildBenchNode(2, this.#time);
    this.#pipe = new MemoryPipe(this.payer, this.payee);
    this.settle(() => {});
    this.#openChannel();
  }

  /**
   * Runs both nodes until nothing moves. Forwards and claims are answered here; `onEvent` gets the payer's events.
   */
  settle(onEvent: (event: ldk.Event) => void): void {
    let moved: number;
    do {
      this.payer.peers.process_events();
      this.payee.peers.process_events();
      moved = this.#pipe.deliver();
      moved += this.payee.takeEvents((event) => react(this.payee, event));
      moved += this.payer.takeEvents((event) => {
        react(this.payer, event);
        onEvent(event);
      });
    } while (moved > 0);
  }

  #openChannel(): void {
    const peer = this.payee.manager.get_our_node_id();
    const opened = this.payer.manager.create_channel(peer, channelSats, 0n, 0n, null, null);
    if (!(opened instanceof ldk.Result_ChannelIdAPIErrorZ_OK)) throw new Error("create_channel");
    const fundings: Uint8Array[] = [];
    this.settle((event) => {
      if (!(event instanceof ldk.Event_FundingGenerationReady)) return;
      const tx = fundingTx(event.channel_value_satoshis as Sat, event.output_script);
      const funded = this.payer.manager.funding_transaction_generated(event.temporary_channel_id, peer, tx);
      if (!(funded instanceof ldk.Result_NoneAPIErrorZ_OK)) throw new Error("funding_transaction_generated");
      fundings.push(tx);
    });
    for (let i = 0; i < 6; i++) this.#mine(i === 0 ? fundings : []);
    if (this.payer.manager.list_usable_channels().length !== 1) throw new Error("the channel did not open");
  }

  #mine(txs: readonly Uint8Array[]): void {
    this.#height += 1;
    this.#time += 30;
    // LDK trusts whoever gives it blocks: it checks neither the work nor the Merkle root.
    const header = new ByteWriter()
      .u32(0x2000_0000)
      .bytes(this.#tip)
      .bytes(new Uint8Array(32))
      .u32(this.#time)
      .u32(0x207f_ffff)
      .u32(0)
      .finish();
    this.#tip = crypto().hash256(header);
    for (const confirm of [...this.payer.confirm, ...this.payee.confirm]) {
      if (txs.length > 0) {
        const data = txs.map((tx, index) => ldk.TwoTuple_usizeTransactionZ.constructor_new(index + 1, tx));
        confirm.transactions_confirmed(header, data, this.#height);
      }
      confirm.best_block_updated(header, this.#height);
    }
    this.settle(() => {});
  }
}

function react(node: LdkBenchNode, event: ldk.Event): void {
  if (event instanceof ldk.Event_PendingHTLCsForwardable) node.manager.process_pending_htlc_forwards();
  if (event instanceof ldk.Event_OpenChannelRequest) {
    node.manager.accept_inbound_channel(event.temporary_channel_id, event.counterparty_node_id, 0n);
  }
  if (event instanceof ldk.Event_PaymentClaimable) {
    const preimage = event.purpose.preimage();
    if (preimage instanceof ldk.Option_ThirtyTwoBytesZ_Some) node.manager.claim_funds(preimage.some);
  }
}

function fundingTx(value: Sat, script: Uint8Array): Uint8Array {
  const outPoint = { txid: "11".repeat(32) as Txid, index: 0 };
  const witness = [Uint8Array.of(0x51)];
  return encodeTransaction({
    version: 2,
    inputs: [{ outPoint, scriptSig: new Uint8Array(), sequence: 0xffff_fffd, witness }],
    outputs: [{ value, script }],
    locktime: 0,
  });
}
