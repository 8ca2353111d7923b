import { readStoredRecords } from "@fulmen/background";
import { networks } from "@fulmen/bitcoin/network";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type {
  BroadcasterInterface,
  EntropySource,
  FeeEstimator,
  Filter,
  KVStore,
  KvWrite,
} from "@fulmen/lightning/chain";
import { defaultUserConfig, type UserConfig } from "@fulmen/lightning/channel";
import { NetworkGraph, P2PGossipSync, type UtxoLookup } from "@fulmen/lightning/gossip";
import type { Event, EventsProvider, LogRecord, RoutingMessageHandler } from "@fulmen/lightning/handlers";
import { ApiError, ChainMonitor, type ChannelManager, restoreManager } from "@fulmen/lightning/manager";
import type { Watch } from "@fulmen/lightning/onchain";
import { type PeerConnections, PeerManager } from "@fulmen/lightning/peer";
import type { Router } from "@fulmen/lightning/routing";
import { KeysManager } from "@fulmen/lightning/sign";
import { openNodeRecord, readChainPosition, restoreMonitors } from "@fulmen/lightning/storage";
import {
  type Bytes32,
  feeratePerKw,
  type NodeId,
  type Result,
  shortChannelIdParts,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import { ChainBroadcaster, ExactRouter, type Faucet, type SimulatedChain } from "@fulmen/testkit";
import { publishUnpaid } from "./publishUnpaid.ts";
import { type ListenStyle, tellBlocks } from "./tellBlocks.ts";

/** Puts something on a border: gives what stands in the place of `target`. */
export type Tap = <T extends object>(edge: string, target: T, interfaces?: Interfaces) => T;
/** What a tap does with interfaces that methods of its target give. */
export type Interfaces = Readonly<Record<string, (given: object) => object>>;

export const noTap: Tap = (_, target) => target;

export interface BorderNodeOptions {
  readonly seed: number;
  readonly chain: SimulatedChain;
  readonly faucet: Faucet;
  readonly store: KVStore;
  /** Outlives the node, so that nothing random comes twice. */
  readonly entropy: EntropySource;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly tap?: Tap;
  /** In the place of the built-in `ChainMonitor`. */
  readonly watch?: Watch;
  /** In the place of a graph of its own. */
  readonly routing?: RoutingMessageHandler;
  readonly style?: ListenStyle;
  /** What the user was told, by its index; outlives the node. */
  readonly told: Map<number, Event>;
  /** Called before and after each commit and after each event that the user has dealt with. */
  readonly onPoint?: () => void;
}

const network = networks.regtest;

export const borderConfig: UserConfig = {
  ...defaultUserConfig,
  channelHandshakeConfig: {
    ...defaultUserConfig.channelHandshakeConfig,
    minimumDepth: 1,
    negotiateAnchorZeroFeeCommitments: true,
  },
  channelHandshakeLimits: {
    ...defaultUserConfig.channelHandshakeLimits,
    forceAnnouncedChannelPreference: false,
  },
};

export const feeEstimator: FeeEstimator = {
  feerate: (target) => feeratePerKw(target === "maximum-fee-estimate" ? 2_500 : 253),
};

/** A node from its parts, with a tap on every border between two of them. */
export class BorderNode {
  readonly options: BorderNodeOptions;
  readonly keys: KeysManager;
  readonly nodeId: NodeId;
  readonly manager: ChannelManager;
  readonly chainMonitor: ChainMonitor | undefined;
  readonly graph: NetworkGraph;
  /** The `PeerManager` as a transport sees it. */
  readonly connections: PeerConnections;
  readonly peers: PeerManager;
  readonly log: LogRecord[] = [];
  readonly broadcaster: ChainBroadcaster;
  readonly #listeners: readonly Parameters<typeof tellBlocks>[0][];
  readonly #store: KVStore;
  readonly #gossip: P2PGossipSync;
  readonly #provider: EventsProvider;
  readonly #monitorsBroadcaster: BroadcasterInterface;
  #commits = 0;

  /** From its store, or new when that is empty. */
  static async start(options: BorderNodeOptions): Promise<BorderNode> {
    const { store, seed, tap = noTap } = options;
    const keys = new KeysManager(new Uint8Array(32).fill(seed));
    const tapped = tap("host > KVStore", store);
    const records = await readStoredRecords(tapped);
    const { node: stored, storeIsEmpty } = records;
    const first = orThrow(openNodeRecord({ stored, storeIsEmpty, nodeId: keys.nodeId, network }));
    if (first.length > 0) await tapped.commit(first);
    return new BorderNode(options, { keys, store: tapped, records });
  }

  private constructor(
    options: BorderNodeOptions,
    start: {
      readonly keys: KeysManager;
      readonly store: KVStore;
      readonly records: Awaited<ReturnType<typeof readStoredRecords>>;
    },
  ) {
    const { chain, now, tap = noTap, style = "listen" } = options;
    const { keys, records } = start;
    this.options = options;
    this.keys = keys;
    this.nodeId = keys.nodeId;
    this.#store = start.store;
    this.broadcaster = new ChainBroadcaster(chain);
    const logger = tap("all > Logger", { log: (record: LogRecord) => void this.log.push(record) });
    const broadcaster = tap("ChannelManager > BroadcasterInterface", this.broadcaster);
    const filter: Filter = { registerTransaction: () => {}, registerOutput: () => {} };
    const tip = chain.locator();
    const position = records.manager.chainPosition;
    this.#monitorsBroadcaster = tap("ChainMonitor > BroadcasterInterface", this.broadcaster);
    this.chainMonitor =
      options.watch === undefined
        ? new ChainMonitor(
            {
              signerProvider: tap("ChainMonitor > SignerProvider", keys, signersBehind(tap, "ChainMonitor")),
              broadcaster: this.#monitorsBroadcaster,
              feeEstimator: tap("ChainMonitor > FeeEstimator", feeEstimator),
              logger,
              filter: tap("ChainMonitor > Filter", filter),
            },
            {
              bestHeight: (position ? orThrow(readChainPosition(position)) : tip).height,
              monitors: orThrow(restoreMonitors(records.monitors)),
            },
          )
        : undefined;
    const watch = options.watch ?? this.chainMonitor;
    if (watch === undefined) throw new Error("no watch");
    this.graph = new NetworkGraph({ chainHash: network.genesisHash });
    const router: Router = new ExactRouter(this.graph);
    this.manager = orThrow(
      restoreManager(
        {
          network,
          config: borderConfig,
          nodeSigner: tap("ChannelManager > NodeSigner", keys),
          signerProvider: tap("ChannelManager > SignerProvider", keys, signersBehind(tap, "ChannelManager")),
          entropy: tap("ChannelManager > EntropySource", options.entropy),
          feeEstimator: tap("ChannelManager > FeeEstimator", feeEstimator),
          broadcaster,
          watch: tap("ChannelManager > Watch", watch),
          router: tap("ChannelManager > Router", router),
          logger,
          filter: tap("ChannelManager > Filter", filter),
        },
        records.manager,
        { tip, now: now() },
      ),
    );
    this.#gossip = new P2PGossipSync({
      graph: this.graph,
      now: now() as UnixSeconds,
      flushInterval: 0,
      utxoLookup: tap("P2PGossipSync > UtxoLookup", utxosOf(chain)),
    });
    this.peers = new PeerManager({
      nodeSigner: tap("PeerManager > NodeSigner", keys),
      handlers: {
        channel: tap("PeerManager > ChannelMessageHandler", this.manager),
        routing: tap("PeerManager > RoutingMessageHandler", options.routing ?? this.#gossip),
      },
      chainHash: network.genesisHash,
      logger,
    });
    this.connections = tap("transport > PeerConnections", this.peers);
    this.#provider = tap("host > EventsProvider", this.manager);
    const edge = style === "listen" ? "Listen" : "Confirm";
    const listeners = this.chainMonitor ? [this.chainMonitor, this.manager] : [this.manager];
    this.#listeners = listeners.map((one) => tap(`chain > ${edge} (${one.constructor.name})`, one));
  }

  /** What the user was told, in all lives. */
  get events(): readonly Event[] {
    return [...this.options.told].sort(([a], [b]) => a - b).map(([, event]) => event);
  }

  /** Tells the node's parts what the chain has done. */
  syncChain(): void {
    const { chain, style = "listen" } = this.options;
    const update = chain.blocksSince(this.manager.bestBlock);
    for (const listener of this.#listeners) tellBlocks(listener, update, style);
  }

  /** What timers would do. */
  tick(): void {
    const now = this.options.now();
    this.manager.timerTickOccurred(now);
    this.#gossip.tick(now as UnixSeconds);
  }

  /** Commits what happened, lets its effects out, and deals with one event. Whether there was anything. */
  async turn(): Promise<boolean> {
    const { manager, chainMonitor } = this;
    manager.processMonitorEvents();
    const batch = manager.takeBatch();
    this.#commits++;
    const others = chainMonitor?.takeWrites(this.#commits) ?? [];
    const moved = batch !== undefined || others.length > 0;
    if (moved) {
      const writes: readonly KvWrite[] = [...(batch?.writes ?? []), ...others];
      if (writes.length > 0) {
        this.options.onPoint?.();
        await this.#store.commit(writes);
        this.options.onPoint?.();
      }
      if (batch !== undefined) manager.batchCommitted(batch.sequence);
      chainMonitor?.committed(this.#commits);
      publishUnpaid(chainMonitor?.takeBumpEvents() ?? [], this.#monitorsBroadcaster);
    }
    this.connections.processEvents();
    return this.#tellEvent() || moved;
  }

  #tellEvent(): boolean {
    const [next] = this.#provider.pendingEvents(1);
    if (next === undefined) return false;
    this.#react(next.event);
    this.options.told.set(next.index, next.event);
    this.#provider.acknowledgeEvents(next.index);
    this.options.onPoint?.();
    return true;
  }

  /** As a user that accepts everything. After a crash the same event may come again. */
  #react(event: Event): void {
    const { manager } = this;
    try {
      if (event.kind === "open-channel-request") {
        manager.acceptInboundChannel(event.temporaryChannelId);
      } else if (event.kind === "funding-generation-ready") {
        const output = { value: event.channelValue, script: event.outputScript };
        const { faucet, chain } = this.options;
        const funding: Transaction = faucet.fund(chain, [output], feeratePerKw(1_000));
        manager.fundingTransactionGenerated(event.temporaryChannelId, funding);
      } else if (event.kind === "payment-claimable") {
        const { paymentPreimage } = event.purpose;
        if (paymentPreimage !== undefined) manager.claimFunds(paymentPreimage as Bytes32);
      }
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "channel-unavailable") throw error;
    }
  }
}

function signersBehind(tap: Tap, who: string): Interfaces {
  return { deriveChannelSigner: (signer) => tap(`${who} > ChannelSigner`, signer) };
}

/** Whether a channel's output exists, as a node with the whole chain can tell. */
function utxosOf(chain: SimulatedChain): UtxoLookup {
  return {
    getUtxo(_, id) {
      const { height, txIndex, outputIndex } = shortChannelIdParts(id);
      const transaction = chain.blockAt(height)?.block.transactions[txIndex];
      const found = transaction?.outputs[outputIndex];
      return found === undefined ? { kind: "not-found" } : { kind: "found", ...found };
    },
  };
}

export function orThrow<T>(result: Result<T, { readonly text: string }>): T {
  if (result.ok) return result.value;
  throw new Error(result.error.text, { cause: result.error });
}
