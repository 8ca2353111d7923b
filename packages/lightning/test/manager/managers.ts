import type { BlockHeader } from "@fulmen/bitcoin/block";
import { crypto } from "@fulmen/bitcoin/crypto";
import { networks } from "@fulmen/bitcoin/network";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { type BlockHeight, feeratePerKw, type Msat, msat, type Sat, sat } from "@fulmen/lightning/util";
import { defaultUserConfig, type UserConfig } from "#src/channel/config";
import type { NodeInfo } from "#src/gossip/graph/graphEntries";
import type { ChannelMessage, Event, LogRecord } from "#src/handlers/index";
import { parseInvoice } from "#src/invoice/index";
import { ChainMonitor } from "#src/manager/chainMonitor";
import type { ChannelManager } from "#src/manager/channelManager";
import { termsOfInvoice } from "#src/manager/paymentTerms";
import { restoreManager } from "#src/manager/restore";
import { createBlindedPaymentPaths } from "#src/routing/blindedPaymentPaths";
import type { Route, Router } from "#src/routing/route";
import type { SigningAnswer, SigningRequest } from "#src/sign/channelSigner";
import { KeysManager } from "#src/sign/keysManager";
import { PhantomKeysManager } from "#src/sign/phantomKeysManager";
import { channelPrefixes } from "#src/storage/v1/channel";
import {
  batchSequenceKey,
  chainPositionKey,
  channelsPrefix,
  eventAckKey,
  eventPrefix,
  monitorsPrefix,
  paymentPrefix,
} from "#src/storage/v1/keys";
import { restoreMonitors } from "#src/storage/v1/readMonitors";
import { type Point, toHex } from "#src/util/bytes";
import {
  type ChannelId,
  type NodeId,
  type PaymentHash,
  type PaymentId,
  paymentHashOf,
  type Txid,
} from "#src/util/ids";
import { present } from "#src/util/invariant";
import { type DecodedMessage, decodeMessage, encodeMessage, type LightningMessage } from "#src/wire/index";
import { entriesOf } from "../storage/entriesOf.ts";

// Managers joined message by message, without encryption: tests see and may change everything between them.

const network = networks.regtest;
/** When all of it plays, in seconds since 1970. */
export const now = 1_800_000_000;
export const firstHeight = 100;

export const testConfig: UserConfig = {
  ...defaultUserConfig,
  channelHandshakeConfig: { ...defaultUserConfig.channelHandshakeConfig, minimumDepth: 1 },
  acceptForwardsToPrivChannels: true,
};

/** A signer that may be made to keep its answers back. */
class PausingKeys extends KeysManager {
  slow = false;
  /** Whether the node's key is out of reach. */
  broken = false;
  asked: SigningRequest[] = [];

  override ecdh(point: Point): Uint8Array {
    if (this.broken) throw new Error("the key is out of reach");
    return super.ecdh(point);
  }

  override deriveChannelSigner(channelKeysId: Uint8Array) {
    const signer = super.deriveChannelSigner(channelKeysId);
    return new Proxy(signer, {
      get: (target, name) => {
        if (name === "sign") {
          return (request: SigningRequest): SigningAnswer | undefined => {
            if (!this.slow) return target.sign(request);
            this.asked.push(request);
            return undefined;
          };
        }
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }
}

/** One node: its store outlives it. */
export class ManagerNode {
  readonly keys: PausingKeys;
  readonly store = new Map<string, Uint8Array>();
  readonly log: LogRecord[] = [];
  readonly events: Event[] = [];
  readonly broadcasts: Transaction[] = [];
  /** Messages that have left it. */
  readonly outbox: { readonly to: NodeId; readonly message: DecodedMessage }[] = [];
  readonly disconnects: NodeId[] = [];
  /** What it told the network. */
  readonly gossip: LightningMessage[] = [];
  /** Nodes that the router knows. */
  readonly graph = new Map<NodeId, NodeInfo>();
  feerate = 253;
  /** What its router says. */
  findRoute: Router["findRoute"] = () => ({ ok: false, error: { kind: "no-route", text: "no route" } });
  /** What its clock shows, in milliseconds; `undefined` when it has none. Read when the node starts. */
  milliseconds: (() => number) | undefined;
  config: UserConfig;
  monitor: ChainMonitor;
  manager: ChannelManager;
  readonly #phantomKeys: PhantomKeysManager | undefined;
  #random: number;
  #commits = 0;

  /** With `crossNodeSeed`, it is also one of the nodes of a phantom. */
  constructor(
    seed: number,
    config: UserConfig = testConfig,
    milliseconds?: () => number,
    crossNodeSeed?: Uint8Array,
  ) {
    this.milliseconds = milliseconds;
    this.#phantomKeys = crossNodeSeed && new PhantomKeysManager(new Uint8Array(32).fill(seed), crossNodeSeed);
    this.keys = new PausingKeys(new Uint8Array(32).fill(seed));
    this.#random = seed;
    this.config = config;
    [this.monitor, this.manager] = this.#start();
  }

  get nodeId(): NodeId {
    return this.keys.nodeId;
  }

  /** Commits everything that has happened, and lets it out. */
  commit(): void {
    for (;;) {
      this.manager.processMonitorEvents();
      const batch = this.manager.takeBatch();
      const others = this.monitor.takeWrites(++this.#commits);
      if (batch === undefined && others.length === 0) break;
      for (const { key, value } of [...(batch?.writes ?? []), ...others]) {
        if (value === undefined) this.store.delete(key);
        else this.store.set(key, value);
      }
      if (batch !== undefined) this.manager.batchCommitted(batch.sequence);
      this.monitor.committed(this.#commits);
    }
    for (const event of this.manager.takeMessageSendEvents()) {
      if (event.kind === "send-message") this.outbox.push({ to: event.nodeId, message: event.message });
      else if (event.kind === "broadcast") this.gossip.push(event.message);
      else if (event.kind === "handle-error" && event.action.kind === "disconnect") {
        this.disconnects.push(event.nodeId);
      }
    }
    const events = this.manager.pendingEvents(1_000);
    for (const { event } of events) this.events.push(event);
    const last = events.at(-1);
    if (last !== undefined) this.manager.acknowledgeEvents(last.index);
  }

  /** Forgets closed channels of which nothing is left. */
  archive(): void {
    for (const channelId of this.manager.channelsToArchive()) {
      const prefixes = channelPrefixes(channelId);
      const keys = [...this.store.keys()].filter((key) => prefixes.some((prefix) => key.startsWith(prefix)));
      this.manager.archiveChannel(channelId, keys);
      this.monitor.archive(channelId);
    }
    this.commit();
  }

  eventsOf<K extends Event["kind"]>(kind: K): Extract<Event, { readonly kind: K }>[] {
    return this.events.filter((event): event is Extract<Event, { readonly kind: K }> => event.kind === kind);
  }

  receive(from: NodeId, message: DecodedMessage): void {
    const decoded = decodeMessage(encodeMessage(message as LightningMessage));
    this.manager.handleMessage(from, decoded as ChannelMessage);
  }

  /** Dies, and starts from its store. */
  restart(): void {
    this.outbox.length = 0;
    this.keys.asked = [];
    [this.monitor, this.manager] = this.#start();
    this.commit();
  }

  #start(): [ChainMonitor, ChannelManager] {
    const broadcaster = {
      broadcastTransactions: (all: readonly Transaction[]): void => void this.broadcasts.push(...all),
    };
    const logger = { log: (record: LogRecord): void => void this.log.push(record) };
    const feeEstimator = { feerate: () => feeratePerKw(this.feerate) };
    const monitors = restoreMonitors(entriesOf(this.store, monitorsPrefix));
    if (!monitors.ok) throw new Error(monitors.error.text);
    const monitor = new ChainMonitor(
      { signerProvider: this.keys, broadcaster, feeEstimator, logger },
      { bestHeight: firstHeight, monitors: monitors.value },
    );
    const entry = (key: string) => {
      const value = this.store.get(key);
      return value && { key, value };
    };
    const restored = restoreManager(
      {
        network,
        config: this.config,
        nodeSigner: this.#phantomKeys ?? this.keys,
        signerProvider: this.keys,
        entropy: {
          randomBytes: (length) => {
            const bytes = new Uint8Array(length);
            for (let i = 0; i < length; i++) {
              this.#random = (this.#random * 1_103_515_245 + 12_345) % 0x8000_0000;
              bytes[i] = this.#random >> 16;
            }
            return bytes;
          },
        },
        feeEstimator,
        broadcaster,
        watch: monitor,
        router: {
          findRoute: (request) => this.findRoute(request),
          createBlindedPaymentPaths: (request) =>
            createBlindedPaymentPaths(request, { node: (id) => this.graph.get(id) }),
        },
        logger,
        ...(this.milliseconds && { clock: { now: this.milliseconds } }),
      },
      {
        channels: entriesOf(this.store, channelsPrefix),
        payments: entriesOf(this.store, paymentPrefix),
        events: entriesOf(this.store, eventPrefix),
        eventAck: entry(eventAckKey),
        chainPosition: entry(chainPositionKey),
        batchSequence: entry(batchSequenceKey),
        outbox: [],
      },
      { tip: { hash: network.genesisHash, height: firstHeight as BlockHeight, ancestors: [] }, now },
    );
    if (!restored.ok) throw new Error(restored.error.text);
    return [monitor, restored.value];
  }
}

export interface OfferOptions {
  readonly funding?: Sat;
  readonly push?: Msat;
  readonly zeroReserve?: boolean;
  /** What the acceptor trusts the opener with. */
  readonly trust?: { readonly zeroConf?: boolean; readonly zeroReserve?: boolean };
}

/** Nodes and the order of what happens between them. */
export class ManagerNet {
  readonly nodes: ManagerNode[] = [];
  /** Every message that was delivered, in order. */
  readonly sent: { readonly from: ManagerNode; readonly to: ManagerNode; readonly type: string }[] = [];
  height = firstHeight;
  #epoch = 0;
  #fundings = 0;
  #payments = 0;

  add(config?: UserConfig, milliseconds?: () => number, crossNodeSeed?: Uint8Array): ManagerNode {
    const node = new ManagerNode(this.nodes.length + 1, config, milliseconds, crossNodeSeed);
    this.nodes.push(node);
    return node;
  }

  node(nodeId: NodeId): ManagerNode | undefined {
    return this.nodes.find((node) => node.nodeId === nodeId);
  }

  connect(a: ManagerNode, b: ManagerNode): void {
    this.#epoch += 1;
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const init = {
        type: "init" as const,
        globalfeatures: new Uint8Array(0),
        features: other.manager.providedInitFeatures(),
        tlvs: {},
      };
      one.manager.peerConnected(other.nodeId, { init, inbound: true, epoch: this.#epoch });
      one.commit();
    }
  }

  disconnect(a: ManagerNode, b: ManagerNode): void {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const kept = one.outbox.filter(({ to }) => to !== other.nodeId);
      one.outbox.length = 0;
      one.outbox.push(...kept);
      one.manager.peerDisconnected(other.nodeId);
      one.commit();
      const still = one.outbox.filter(({ to }) => to !== other.nodeId);
      one.outbox.length = 0;
      one.outbox.push(...still);
    }
  }

  /** Delivers until all is quiet; `held` messages stay where they are. */
  settle(held: (from: ManagerNode, message: DecodedMessage) => boolean = () => false): void {
    for (let count = 0; count < 5_000; count++) {
      for (const node of this.nodes) node.commit();
      const found = this.nodes.flatMap((from) => {
        const seen = new Set<NodeId>();
        const blocked = new Set<NodeId>();
        return from.outbox.flatMap((item, index) => {
          if (blocked.has(item.to) || seen.has(item.to)) return [];
          if (held(from, item.message)) {
            blocked.add(item.to);
            return [];
          }
          seen.add(item.to);
          return [{ from, index }];
        });
      })[0];
      if (found === undefined) return;
      const [item] = found.from.outbox.splice(found.index, 1);
      const { to, message } = present(item, "a message");
      const receiver = this.node(to);
      if (receiver) this.sent.push({ from: found.from, to: receiver, type: message.type });
      receiver?.receive(found.from.nodeId, message);
    }
    throw new Error("the nodes do not come to rest");
  }

  /** `from` pays `to` by an invoice along `path`: the channels from node to node, with the nodes they lead to. */
  pay(
    from: ManagerNode,
    amount: Msat,
    path: readonly { readonly to: ManagerNode; readonly by: ManagerNode; readonly channelId: ChannelId }[],
    given: { readonly preimage?: Uint8Array; readonly changed?: (route: Route) => Route } = {},
  ): { readonly paymentHash: PaymentHash; readonly paymentId: PaymentId } {
    const last = present(path.at(-1), "a hop").to;
    const hash = given.preimage && paymentHashOf(crypto().sha256(given.preimage));
    const { invoice, paymentHash } = last.manager.createBolt11Invoice({
      amount,
      description: "test",
      ...(hash && { paymentHash: hash }),
    });
    const parsed = parseInvoice(invoice);
    if (!parsed.ok) throw new Error("not an invoice");
    const terms = termsOfInvoice(parsed.value, { nodeId: from.nodeId, network: network.name }, {});
    const route: Route = {
      paths: [
        {
          hops: path.map(({ to, by, channelId }, i) => ({
            nodeId: to.nodeId,
            shortChannelId: present(
              by.manager.listChannels().find((one) => one.channelId === channelId)?.shortChannelId,
              "a short channel id",
            ),
            fee: i === path.length - 1 ? amount : msat(2_000),
            cltvExpiryDelta: i === path.length - 1 ? parsed.value.minFinalCltvExpiryDelta : 80,
          })),
        },
      ],
    };
    const paymentId =
      `${paymentHash.slice(2)}${(++this.#payments).toString(16).padStart(2, "0")}` as PaymentId;
    from.manager.sendPaymentWithRoute(paymentId, terms, given.changed?.(route) ?? route);
    return { paymentHash, paymentId };
  }

  mine(blocks: number, transactions: readonly Transaction[] = []): void {
    for (let i = 0; i < blocks; i++) {
      this.height += 1;
      const inBlock = i === 0 ? transactions.map((transaction, index) => ({ transaction, index })) : [];
      for (const node of this.nodes) this.tell(node, this.height, inBlock);
    }
  }

  tell(
    node: ManagerNode,
    height: number,
    transactions: readonly { readonly transaction: Transaction; readonly index: number }[] = [],
  ): void {
    node.monitor.blockConnected(header(height), transactions, height);
    node.manager.blockConnected(header(height), transactions, height as BlockHeight);
  }

  /** A channel from `a` to `b` in use by both. Gives its id. */
  open(
    a: ManagerNode,
    b: ManagerNode,
    { funding = sat(1_000_000), push = msat(0) }: { funding?: Sat; push?: Msat } = {},
  ): ChannelId {
    const { temporary, transaction } = this.offer(a, b, { funding, push });
    a.manager.fundingTransactionGenerated(temporary, transaction);
    this.settle();
    this.mine(1, [transaction]);
    this.settle();
    return present(
      a.manager.listUsableChannels().find(({ funding: { txid: id } }) => id === txid(transaction)),
      "the channel",
    ).channelId;
  }

  /** As far as `b` has accepted; the funding transaction is made and nobody has it. */
  offer(
    a: ManagerNode,
    b: ManagerNode,
    { funding = sat(1_000_000), push = msat(0), zeroReserve = false, trust = {} }: OfferOptions = {},
  ): { readonly temporary: ChannelId; readonly transaction: Transaction } {
    const temporary = a.manager.createChannel({ counterparty: b.nodeId, funding, push, zeroReserve });
    this.settle();
    b.manager.acceptInboundChannel(temporary, trust);
    this.settle();
    const event = present(a.eventsOf("funding-generation-ready").at(-1), "funding-generation-ready");
    const transaction = {
      version: 2,
      inputs: [
        {
          outPoint: { txid: toHex(new Uint8Array(32).fill(++this.#fundings)) as Txid, index: 0 },
          scriptSig: new Uint8Array(0),
          sequence: 0xffff_ffff,
          witness: [new Uint8Array(1)],
        },
      ],
      outputs: [{ value: funding, script: event.outputScript }],
      locktime: 0,
    } satisfies Transaction;
    return { temporary, transaction };
  }
}

function header(height: number): BlockHeader {
  return {
    version: 1,
    previous: height.toString(16).padStart(64, "0") as BlockHeader["previous"],
    merkleRoot: "00".repeat(32) as BlockHeader["merkleRoot"],
    time: 1_700_000_000 + height,
    bits: 0,
    nonce: 0,
  };
}
