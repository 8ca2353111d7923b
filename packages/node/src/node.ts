import type { NodeStatus } from "@fulmen/background";
import { decodeAddress } from "@fulmen/bitcoin/address";
import type { SyncProgress } from "@fulmen/chain-sync";
import {
  type Bytes32,
  type ChannelId,
  messageOf,
  type NodeId,
  type PaymentHash,
  type PaymentId,
  type Script,
} from "@fulmen/lightning/util";
import type { Balances } from "./api/balances.ts";
import type {
  ChannelConfigChange,
  ChannelView,
  CloseChannelOptions,
  OpenChannelRequest,
  OpenedChannel,
  PeerView,
} from "./api/channels.ts";
import type { EventQuery, StoredNodeEvent } from "./api/events.ts";
import type { GraphQuery, GraphView } from "./api/graph.ts";
import type { LedgerAccount, LedgerEntry, LedgerQuery } from "./api/ledger.ts";
import type { MessageSignature, NodeApi, NodePhase, NodeStatusView } from "./api/nodeApi.ts";
import { NodeError } from "./api/nodeError.ts";
import type { NodeNetwork, NodeOptions } from "./api/options.ts";
import type { PaymentInstructions } from "./api/paymentInstructions.ts";
import type {
  Payment,
  PaymentQuery,
  PayOptions,
  RawSendRequest,
  ReceiveOptions,
  ReceiveRequest,
  RouteExplanation,
} from "./api/payments.ts";
import { balancesOf } from "./balances/index.ts";
import { channelViews } from "./channels/index.ts";
import { closingBalances } from "./closes/index.ts";
import { checkOptions, networkOf } from "./config/index.ts";
import { translated, translating } from "./errors/index.ts";
import { signerOf, signMessage } from "./messages/index.ts";
import { Onchain } from "./onchain/index.ts";
import { type NodeParts, phaseOf } from "./parts/index.ts";
import {
  beginPayment,
  beginRawSend,
  chosenMethod,
  explainedRoute,
  onchainAmount,
  parsePayment,
} from "./paying/index.ts";
import { claimHeld, failHeld, receive } from "./receiving/index.ts";
import { noteChannel } from "./records/index.ts";
import {
  awaitPayment,
  findPayment,
  isOver,
  knownPayment,
  ledgerCsv,
  listEntries,
  listPayments,
  readEvents,
} from "./running/index.ts";
import { RunningNode } from "./runningNode.ts";
import { type NodeKeys, nodeKeys } from "./seed/index.ts";
import { statusView } from "./statusView.ts";
import { surroundings } from "./surroundings/index.ts";

/** Milliseconds between two looks at a channel that opens. */
const usableLook = 10;

/**
 * A Lightning node, batteries included: wallet, channels, payments, chain and storage in one object. Nothing happens
 * before `start`. All calls reject or throw with `NodeError`.
 */
export class Node implements NodeApi {
  readonly nodeId: NodeId;
  readonly network: NodeNetwork;
  readonly onchain: Onchain;
  readonly #options: NodeOptions;
  readonly #keys: NodeKeys;
  #phase: NodePhase = "stopped";
  #failure: string | undefined;
  #progress: SyncProgress | undefined;
  #node: RunningNode | undefined;
  #starting: Promise<void> | undefined;
  /** Ends a start that is under way. */
  #abort = new AbortController();
  #stopping: Promise<void> = Promise.resolve();

  /** Throws `invalid-option` and `invalid-seed`; does nothing else. */
  constructor(options: NodeOptions) {
    checkOptions(options);
    this.#options = options;
    this.#keys = nodeKeys(options);
    this.network = options.network;
    this.nodeId = this.#keys.keys.nodeId;
    this.onchain = new Onchain({
      parts: () => this.#running.parts,
      usable: () => this.#usable.parts,
      booked: () => this.#running.books.update(),
    });
  }

  /** Makes a node and starts it. */
  static async create(options: NodeOptions): Promise<Node> {
    const node = new Node(options);
    await node.start();
    return node;
  }

  async start(): Promise<void> {
    if (this.#node !== undefined || this.#starting !== undefined) {
      throw new NodeError("already-started", "the node was started before", { remedy: "stop it first" });
    }
    this.#phase = "starting";
    this.#failure = undefined;
    this.#abort = new AbortController();
    this.#starting = this.#stopping.catch(() => undefined).then(() => this.#start());
    try {
      await this.#starting;
    } finally {
      this.#starting = undefined;
    }
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#starting?.catch(() => undefined);
    const node = this.#node;
    this.#node = undefined;
    // Who calls while it stops waits, too: the store is open until then.
    if (node === undefined) return this.#stopping;
    this.#stopping = node.stop();
    try {
      await this.#stopping;
    } finally {
      if (this.#starting === undefined && this.#phase !== "failed") this.#phase = "stopped";
    }
  }

  /** `nodeid@host:port`, for those who want to connect. Throws when nobody can: see `NodeOptions.listen`. */
  get uri(): string {
    const { listening } = this.#running;
    if (listening !== undefined) return `${this.nodeId}@${listening}`;
    throw new NodeError("invalid-request", "nobody can connect to this node", {
      remedy: "start it with `listen`",
    });
  }

  /**
   * What the node is made of, for what its own calls do not offer; it is another one after each start. Whoever changes
   * something there wakes `background`.
   */
  get parts(): NodeParts {
    return this.#running.parts;
  }

  /**
   * As in `status`, and cheap. Frozen is a node also when only what it tells its user cannot be stored: nothing else
   * may be due for long.
   */
  get phase(): NodePhase {
    const isRefused = this.#node?.parts.journal.refusal !== undefined;
    return this.#phase === "running" && isRefused ? "frozen" : this.#phase;
  }

  /** Why it is frozen, or has to be started anew. */
  get failure(): string | undefined {
    return this.#failure ?? this.#node?.parts.journal.refusal;
  }

  status(): NodeStatusView {
    const known = {
      phase: this.phase,
      nodeId: this.nodeId,
      options: this.#options,
      failure: this.failure,
      progress: this.#progress,
    };
    return statusView(known, this.#node);
  }

  // Paying

  parse(text: string): PaymentInstructions {
    return parsePayment(text, networkOf(this.network));
  }

  async pay(text: string, options: PayOptions = {}): Promise<Payment> {
    const { parts } = this.#usable;
    const instructions = this.parse(text);
    const method = chosenMethod(instructions, options);
    if (method.kind === "onchain") return this.#payOnchain(method.address, instructions, options);
    const begun = await beginPayment(parts, method, instructions, options);
    if (options.returnAtOnce) return begun;
    const { timeoutSeconds } = options;
    const ended = await this.#awaited(begun.id, { isReached: isOver, timeoutSeconds });
    if (ended.status !== "failed") return ended;
    const { code = "unknown", text: why = "the reason is not known" } = ended.failure ?? {};
    throw new NodeError("payment-failed", `the payment failed: ${why}`, {
      remedy: "try again, with a higher fee limit or a smaller amount; nothing of this attempt was paid",
      details: { reason: code, paymentId: ended.id },
    });
  }

  async sendRaw(request: RawSendRequest): Promise<Payment> {
    return beginRawSend(this.#usable.parts, request);
  }

  async receive(options: ReceiveOptions = {}): Promise<ReceiveRequest> {
    return receive(this.#usable.parts, options);
  }

  async claim(paymentHash: PaymentHash, preimage?: Bytes32): Promise<Payment> {
    const { parts } = this.#usable;
    const held = await findPayment(parts.journal, paymentHash, parts.now());
    claimHeld(parts, paymentHash, preimage);
    if (held === undefined) return knownPayment(parts, paymentHash);
    return this.#awaited(held.id, { isReached: isOver });
  }

  async failHeld(paymentHash: PaymentHash): Promise<Payment> {
    return failHeld(this.#usable.parts, paymentHash);
  }

  async abandon(paymentId: string): Promise<void> {
    const { parts } = this.#usable;
    const { manager, background } = parts;
    await knownPayment(parts, paymentId);
    manager.abandonPayment(paymentId as PaymentId);
    background.wake();
  }

  async payments(query: PaymentQuery = {}): Promise<readonly Payment[]> {
    const { journal, now } = this.#running.parts;
    return listPayments(journal, query, now());
  }

  async payment(id: string): Promise<Payment | undefined> {
    const { journal, now } = this.#running.parts;
    return findPayment(journal, id, now());
  }

  async explainRoute(text: string, options: PayOptions = {}): Promise<RouteExplanation> {
    return explainedRoute(this.#running.parts, text, options);
  }

  // Channels

  async openChannel(request: OpenChannelRequest): Promise<OpenedChannel> {
    const { peers, openings } = this.#usable;
    const peer = await peers.connect(request.peer);
    const opened = await openings.open(peer, request);
    if (request.untilUsable) await this.#becomesUsable(opened.channelId);
    return opened;
  }

  async closeChannel(channelId: ChannelId, { address, feerate }: CloseChannelOptions = {}): Promise<void> {
    const { manager, background, journal, wallet } = this.#usable.parts;
    this.#channel(channelId);
    const script = address === undefined ? undefined : this.#scriptOf(address);
    translating(() =>
      manager.closeChannel(channelId, {
        ...(script && { script }),
        ...(feerate !== undefined && { feerate }),
      }),
    );
    background.wake();
    if (script === undefined || wallet.owns(script)) return;
    await journal.call((transaction) => noteChannel(transaction, channelId, { goesElsewhere: true }));
  }

  async forceCloseChannel(channelId: ChannelId): Promise<void> {
    const { manager, background } = this.#usable.parts;
    this.#channel(channelId);
    translating(() => manager.forceCloseBroadcastingLatestTxn(channelId, "the user closed the channel"));
    background.wake();
  }

  async updateChannel(channelId: ChannelId, change: ChannelConfigChange): Promise<void> {
    const { manager, background } = this.#usable.parts;
    this.#channel(channelId);
    translating(() => manager.updatePartialChannelConfig(channelId, change));
    background.wake();
  }

  channels(): readonly ChannelView[] {
    return channelViews(this.#running.parts);
  }

  // Peers

  async connect(address: string): Promise<PeerView> {
    const { peers } = this.#usable;
    const nodeId = await peers.connect(address);
    const view = peers.views().find((one) => one.nodeId === nodeId);
    return view ?? { nodeId, isConnected: false, channels: 0, isKept: true };
  }

  async disconnect(nodeId: NodeId): Promise<void> {
    return this.#running.peers.disconnect(nodeId);
  }

  peers(): readonly PeerView[] {
    return this.#running.peers.views();
  }

  graph({ limit = 200 }: GraphQuery = {}): GraphView {
    const { graph, manager } = this.#running.parts;
    const peers = manager
      .listChannels()
      .filter((channel) => phaseOf(channel) !== "closed")
      .map(({ counterparty }) => counterparty);
    return surroundings(graph, { own: this.nodeId, peers }, Math.min(Math.max(limit, 1), 1_000));
  }

  // Books

  balances(): Balances {
    const { parts, books } = this.#running;
    const destination = parts.keys.destinationScript(new Uint8Array(32));
    return balancesOf(
      parts,
      closingBalances(parts, { destination }, (id) => books.isDiscarded(id)),
    );
  }

  async ledger(query: LedgerQuery = {}): Promise<readonly LedgerEntry[]> {
    return listEntries(this.#running.parts.journal, query);
  }

  ledgerAccounts(): ReadonlyMap<LedgerAccount, bigint> {
    return new Map(this.#running.parts.journal.accounts);
  }

  ledgerCsv(): AsyncIterable<string> {
    return ledgerCsv(this.#running.parts.journal);
  }

  events(query: EventQuery = {}): AsyncIterableIterator<StoredNodeEvent> {
    return readEvents(this.#running.parts.journal, query);
  }

  get lastEventIndex(): number {
    return this.#running.parts.journal.head.nextEvent - 1;
  }

  /**
   * The newest static channel backup, encrypted by the seed: what brings a lost store's channels back to the wallet,
   * with `NodeOptions.restoreFrom`. It changes with each channel that opens or closes.
   */
  staticBackup(): Uint8Array {
    const { backups } = this.#running;
    backups.check();
    if (backups.current !== undefined) return backups.current;
    throw new NodeError("not-running", "there is no backup yet", {
      remedy: "try again when the node is running",
    });
  }

  // Messages

  signMessage(text: string): MessageSignature {
    return { signature: signMessage(this.#keys.keys, text) };
  }

  verifyMessage(text: string, signature: string): NodeId {
    return signerOf(text, signature);
  }

  async #start(): Promise<void> {
    const { signal } = this.#abort;
    try {
      this.#node = await RunningNode.start(this.#options, this.#keys, {
        status: (status) => this.#became(status),
        progress: (progress) => {
          this.#progress = progress;
        },
        signal,
      });
      if (this.#phase === "starting") this.#phase = "running";
    } catch (error) {
      this.#phase = "stopped";
      if (!signal.aborted) throw translated(error);
      const text = "the node was stopped before it had started";
      throw new NodeError("not-running", text, { remedy: "start it again", cause: error });
    } finally {
      this.#progress = undefined;
    }
  }

  #became(status: NodeStatus): void {
    switch (status.kind) {
      case "running":
        if (this.#phase !== "frozen") return;
        this.#phase = "running";
        this.#failure = undefined;
        return;
      case "frozen":
        this.#phase = "frozen";
        this.#failure = messageOf(status.error);
        return;
      case "failed":
        this.#phase = "failed";
        this.#failure = status.text;
        return;
      case "stopped":
    }
  }

  get #running(): RunningNode {
    if (this.#node !== undefined) return this.#node;
    throw new NodeError("not-running", "the node is not running", { remedy: "await start() first" });
  }

  /** For calls that change something. */
  get #usable(): RunningNode {
    const node = this.#running;
    const { phase, failure = "the node is not running" } = this;
    if (phase === "running") return node;
    if (phase === "frozen") {
      throw new NodeError("frozen", `nothing can be promised now: ${failure}`, {
        remedy: "see to the store: space on the disk, permissions, the database's server",
      });
    }
    throw new NodeError("not-running", failure, {
      remedy: "stop the node, and start it anew",
    });
  }

  async #payOnchain(
    address: string,
    instructions: PaymentInstructions,
    options: PayOptions,
  ): Promise<Payment> {
    const amount = onchainAmount(instructions, options);
    const { feerate } = options;
    if (this.#usable.parts.wallet.owns(this.#scriptOf(address))) {
      throw new NodeError("invalid-destination", "this is an address of the node's own wallet", {
        remedy: "ask the payee for theirs; coins of your own are joined by sending them on chain",
      });
    }
    const { txid } = await this.onchain.send({ address, amount, ...(feerate !== undefined && { feerate }) });
    // It is written down soon: what is booked waits for events that are being handled.
    return this.#awaited(txid, { isReached: () => true });
  }

  #awaited(
    id: string,
    wanted: {
      readonly isReached: (payment: Payment) => boolean;
      readonly timeoutSeconds?: number | undefined;
    },
  ): Promise<Payment> {
    return awaitPayment(this.#running.parts, id, { ...wanted, isFrozen: () => this.phase === "frozen" });
  }

  async #becomesUsable(channelId: ChannelId): Promise<void> {
    for (;;) {
      const { manager } = this.#usable.parts;
      const channel = manager.listChannels().find((one) => one.channelId === channelId);
      if (channel?.isUsable) return;
      if (channel === undefined || phaseOf(channel) === "closed") {
        throw new NodeError("open-failed", "the channel was closed before it could be used", {
          remedy: "look at its `channel-closed` event for the reason",
          details: { channelId },
        });
      }
      await new Promise((resolve) => setTimeout(resolve, usableLook));
    }
  }

  #channel(channelId: ChannelId): void {
    const found = this.#running.parts.manager.listChannels().find((one) => one.channelId === channelId);
    if (found !== undefined && phaseOf(found) !== "closed") return;
    const text =
      found === undefined ? `there is no channel ${channelId}` : `channel ${channelId} is closed already`;
    throw new NodeError("unknown-channel", text, {
      remedy: "list the channels, and use the id of one",
    });
  }

  #scriptOf(address: string): Script {
    try {
      return decodeAddress(address, networkOf(this.network)) as Script;
    } catch {
      throw new NodeError("invalid-destination", `this is no address of ${this.network}`, {
        remedy: "copy the whole address again, or leave it out: our share then goes to the wallet",
      });
    }
  }
}
