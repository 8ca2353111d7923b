import { crypto } from "@fulmen/bitcoin/crypto";
import type { Txid } from "@fulmen/bitcoin/primitives";
import { fromHex, toHex, txidToInternal } from "@fulmen/bitcoin/primitives";
import { decodeTransaction, txid } from "@fulmen/bitcoin/transaction";
import * as ldk from "lightningdevkit";
import { eventFact, outPointFact, purposePreimage } from "./ldkEvents.ts";
import type { LdkOptions, LdkSavedState } from "./ldkOptions.ts";
import { buildLdkParts, type LdkParts } from "./ldkParts.ts";
import type { BlockFact, LdkBehaviour, LdkEvent } from "./ldkProtocol.ts";
import { LdkSockets } from "./ldkSockets.ts";
import { assertOk } from "./ldkValues.ts";
import { LdkWallet } from "./ldkWallet.ts";

/**
 * One LDK node with its sockets. It acts only when called or when bytes arrive; each call ends with LDK at rest.
 * LDK must be loaded (`loadLdk`) before.
 */
export class LdkNode {
  readonly parts: LdkParts;
  readonly sockets: LdkSockets;
  /** Pays for the fees of anchor commitments. */
  readonly wallet: LdkWallet;
  behaviour: LdkBehaviour;
  /** Outputs that LDK declared ours, for `sweep`. */
  readonly spendable: ldk.SpendableOutputDescriptor[] = [];
  readonly #emit: (event: LdkEvent) => void;
  readonly #pending: ldk.Event[] = [];
  readonly #broadcasts: Uint8Array[] = [];
  readonly #handler: ldk.EventHandler;
  readonly #providers: readonly ldk.EventsProvider[];
  readonly #confirm: readonly ldk.Confirm[];
  readonly #bumper: ldk.BumpTransactionEventHandler;
  readonly #monitors = new Map<string, Uint8Array>();
  #scheduled = false;

  constructor(options: LdkOptions, emit: (event: LdkEvent) => void) {
    this.#emit = emit;
    this.behaviour = { accept: "auto", claim: "auto", feeratePerKw: options.feeratePerKw };
    const logLevel = options.logLevel ?? Number.POSITIVE_INFINITY;
    this.parts = buildLdkParts(
      options,
      {
        feeratePerKw: () => this.behaviour.feeratePerKw,
        broadcast: (tx) => this.broadcast(tx),
        log: (level, text) => {
          if (level >= logLevel) console.error(`[${level}] ${text}`);
        },
        persistMonitor: (outPoint, monitor) => {
          const { txid: fundingTxid, index } = outPointFact(outPoint);
          this.#monitors.set(`${fundingTxid}:${index}`, monitor);
        },
      },
      Math.floor(Date.now() / 1000),
    );
    const { manager, chainMonitor, peers, onionMessenger } = this.parts;
    this.#providers = [
      manager.as_EventsProvider(),
      chainMonitor.as_EventsProvider(),
      onionMessenger.as_EventsProvider(),
    ];
    // The monitors see a block before the manager does, as LDK's documentation asks.
    this.#confirm = [chainMonitor.as_Confirm(), manager.as_Confirm()];
    // An exception in here would lose all later events, so events are only collected.
    this.#handler = ldk.EventHandler.new_impl({
      handle_event: (event) => {
        this.#pending.push(event);
        return ldk.Result_NoneReplayEventZ.constructor_ok();
      },
    });
    this.wallet = new LdkWallet(crypto().sha256(fromHex(options.seed)));
    this.#bumper = ldk.BumpTransactionEventHandler.constructor_new(
      this.parts.broadcaster,
      ldk.Wallet.constructor_new(this.wallet.source, this.parts.logger).as_CoinSelectionSource(),
      this.parts.keys.as_SignerProvider(),
      this.parts.logger,
    );
    this.sockets = new LdkSockets(peers, {
      wake: () => this.#wake(),
      closed: (by, remote) => emit({ type: "socket-closed", by, remote }),
    });
  }

  get nodeId(): string {
    return toHex(this.parts.manager.get_our_node_id());
  }

  /** Lets LDK send, and handles its events, until nothing is left to do. */
  settle(): void {
    let events: readonly ldk.Event[];
    do {
      this.parts.peers.process_events();
      for (const provider of this.#providers) provider.process_pending_events(this.#handler);
      for (const tx of this.#broadcasts.splice(0)) {
        this.#emit({ type: "broadcast", txid: txid(decodeTransaction(tx)), tx: toHex(tx) });
      }
      events = this.#pending.splice(0);
      for (const event of events) this.#handle(event);
    } while (events.length > 0);
  }

  /** Has `settle` report a transaction as broadcast. */
  broadcast(tx: Uint8Array): void {
    this.#broadcasts.push(tx);
  }

  connectBlock({ header, height, txs }: BlockFact): void {
    const headerBytes = fromHex(header);
    for (const { tx } of txs) this.wallet.confirm(decodeTransaction(fromHex(tx)));
    for (const confirm of this.#confirm) {
      if (txs.length > 0) {
        // The bindings take ownership of the tuples: each listener gets its own.
        const data = txs.map((confirmed) =>
          ldk.TwoTuple_usizeTransactionZ.constructor_new(confirmed.position, fromHex(confirmed.tx)),
        );
        confirm.transactions_confirmed(headerBytes, data, height);
      }
    }
    this.bestBlock(headerBytes, height);
  }

  bestBlock(header: Uint8Array, height: number): void {
    for (const confirm of this.#confirm) confirm.best_block_updated(header, height);
  }

  unconfirm(unconfirmed: Txid): void {
    this.wallet.unconfirm(unconfirmed);
    for (const confirm of this.#confirm) confirm.transaction_unconfirmed(txidToInternal(unconfirmed));
  }

  /** Transactions whose confirmation matters to LDK. */
  relevant(): ldk.ThreeTuple_ThirtyTwoBytesu32COption_ThirtyTwoBytesZZ[] {
    return this.#confirm.flatMap((confirm) => confirm.get_relevant_txids());
  }

  save(): LdkSavedState {
    return {
      manager: toHex(this.parts.manager.write()),
      monitors: Array.from(this.#monitors.values(), toHex),
      graph: toHex(this.parts.graph.write()),
    };
  }

  #handle(event: ldk.Event): void {
    const { manager } = this.parts;
    if (event instanceof ldk.Event_PendingHTLCsForwardable) {
      manager.process_pending_htlc_forwards();
      return;
    }
    this.#emit(eventFact(event));
    if (event instanceof ldk.Event_OpenChannelRequest) this.#answerOpen(event);
    if (event instanceof ldk.Event_BumpTransaction) this.#bumper.handle_event(event.bump_transaction);
    if (event instanceof ldk.Event_SpendableOutputs) this.spendable.push(...event.outputs);
    if (event instanceof ldk.Event_PaymentClaimable && this.behaviour.claim === "auto") {
      const preimage = purposePreimage(event.purpose);
      if (preimage !== undefined) manager.claim_funds(preimage);
    }
  }

  #answerOpen({ temporary_channel_id: id, counterparty_node_id: peer }: ldk.Event_OpenChannelRequest): void {
    const { manager } = this.parts;
    const okClass = ldk.Result_NoneAPIErrorZ_OK;
    switch (this.behaviour.accept) {
      case "auto":
        assertOk(manager.accept_inbound_channel(id, peer, 0n), okClass, "accept_inbound_channel");
        return;
      case "zero-conf":
        assertOk(
          manager.accept_inbound_channel_from_trusted_peer_0conf(id, peer, 0n),
          okClass,
          "accept_inbound_channel_from_trusted_peer_0conf",
        );
        return;
      case "reject":
        assertOk(
          manager.force_close_without_broadcasting_txn(id, peer, "refused"),
          okClass,
          "force_close_without_broadcasting_txn",
        );
        return;
      case "manual":
        return;
    }
  }

  #wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.settle();
    });
  }
}
