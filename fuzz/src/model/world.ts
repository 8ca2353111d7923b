import { crypto } from "@fulmen/bitcoin/crypto";
import type { KvEntry } from "@fulmen/lightning/chain";
import { defaultUserConfig, htlcInterceptionFlags, type UserConfig } from "@fulmen/lightning/channel";
import type { Event } from "@fulmen/lightning/handlers";
import type { ChannelDetails } from "@fulmen/lightning/manager";
import {
  type Bytes32,
  type ChannelId,
  type FeeratePerKw,
  feeratePerKw,
  type InterceptId,
  type Msat,
  msat,
  type OutPoint,
  type PaymentHash,
  paymentHashOf,
  type ShortChannelId,
  sat,
  type Txid,
  toHex,
} from "@fulmen/lightning/util";
import { NodeCrash, SimulatedChain, type TestLink, TestNetwork, type TestNode } from "@fulmen/testkit";
import { coinsOf } from "./coins.ts";
import type { Ghost } from "./ghost.ts";
import { type ForwardingTerms, Ledger, type Name, type PaymentOrder } from "./ledger.ts";
import type { ChannelSetup, NodeSetup, Script } from "./script.ts";
import { TimelyClaims } from "./timelyClaims.ts";

/** What must never be seen. */
export class ModelError extends Error {
  override readonly name = "ModelError";
}

/** A channel whose funding its opener has published. */
export interface Opened {
  readonly channelId: ChannelId;
  readonly opener: TestNode;
  readonly acceptor: TestNode;
  readonly funding: OutPoint;
}

interface Opening {
  readonly opener: TestNode;
  readonly acceptor: TestNode;
  readonly capacity: bigint;
  /** In msat. */
  readonly pushed: bigint;
}

const names: readonly Name[] = ["a", "b", "c"];
const cooperative = ["locally-initiated-cooperative-closure", "counterparty-initiated-cooperative-closure"];
/** Feerates that a node is told, by level; the least that it takes from others is always the lowest. */
const feerates = [253, 254, 500, 1_000, 2_000, 5_000];
const highestFeerate = 5_000;
/** In msat: where channels may end on the chain, payments are smaller than any output, or far from it. */
export const dust = 329_999n;
export const leastAboveDust = 40_000_000n;

/** Three nodes in a row, A, B and C, their users, who claim nothing of themselves, and the ledger beside them. */
/** What a user was told of an HTLC that waits for him. */
export interface Intercepted {
  readonly node: TestNode;
  readonly interceptId: InterceptId;
  readonly requestedNextHopScid?: ShortChannelId;
  readonly expectedOutboundAmount: Msat;
}

export class World {
  readonly network: TestNetwork;
  readonly ledger: Ledger;
  readonly terms: ForwardingTerms;
  readonly opened: Opened[] = [];
  /** Payments that were ordered, for whoever abandons them. */
  readonly orders: { readonly payer: TestNode; readonly paymentHash: PaymentHash }[] = [];
  readonly #setups: readonly NodeSetup[];
  /** Whether channels may end on the chain. */
  readonly ends: boolean;
  /** What each node had on the chain when the channels were open, in sat, and at which height that was. */
  readonly wealth: readonly bigint[];
  readonly start: number;
  /** Who has published what a copy of its monitors had of a channel. */
  readonly cheated = new Map<ChannelId, { readonly node: TestNode; readonly txid: Txid }>();
  readonly copies = new Map<TestNode, readonly KvEntry[]>();
  /** What the cheaters go on with. */
  readonly ghosts: Ghost[] = [];
  /** Preimages that a payee has used. */
  readonly preimages = new Map<PaymentHash, Bytes32>();
  /** HTLCs that wait for a user, as far as he knows. */
  readonly intercepted = new Map<InterceptId, Intercepted>();
  /** Preimages that only the payee's user has. */
  readonly held = new Map<PaymentHash, Bytes32>();
  readonly #timely = new TimelyClaims();
  /** Blocks that were mined since the channels are open. */
  blocks = 0;
  readonly #levels = new Map<TestNode, number>();
  readonly #told = new Map<TestNode, Map<number, string>>();
  readonly #memories = new Map<TestNode, unknown>();
  readonly #crashes = new Map<TestNode, { points: number; readonly losesSent: boolean }>();
  readonly #openings = new Map<bigint, Opening>();
  readonly #closed = new Set<ChannelId>();
  /** Channels that ended otherwise: a failure, for those that were ever opened. */
  readonly #lost: { readonly channelId: ChannelId; readonly text: string }[] = [];
  readonly #decided = new Set<PaymentHash>();
  /** Payments that wait for their payee's user, and up to which height they do. */
  readonly #undecided = new Map<TestNode, Map<PaymentHash, number>>();
  readonly #logged = new Map<TestNode, number>();

  constructor({ seed, ends, nodes, channels }: Omit<Script, "actions">) {
    this.ends = ends;
    this.network = new TestNetwork({ seed: (seed % 0xffff_ffff) + 1 });
    const { network } = this;
    this.#setups = names.map((_, index) => given(nodes[index]));
    const { feeBase, feeMillionths } = given(this.#setups[1]);
    this.terms = { base: BigInt(feeBase), millionths: BigInt(feeMillionths) };
    this.ledger = new Ledger(this.terms, ends ? dust : 0n);
    for (const setup of this.#setups) {
      const node = network.addNode({
        config: configOf(setup),
        hasLateWatch: setup.lateWatch,
        onEvent: (...told) => this.#hear(...told),
      });
      network.claims(node, "hold");
      node.feerate = (target) => this.#feerate(node, target);
      node.onCrashPoint = (dying) => this.#crashPoint(dying);
      this.#memories.set(node, node.manager);
    }
    network.connect(this.node(0), this.node(1));
    network.connect(this.node(1), this.node(2));
    for (const channel of channels) this.open(channel);
    network.settle();
    network.mine();
    // All at once: the nodes need not look at each block.
    network.chain.mine(7);
    for (const node of network.nodes) node.syncChain();
    network.settle();
    if (ends) network.giveCoins(network.nodes, sat(1_000_000n), 6);
    for (const link of network.links) link.reconnects = false;
    this.wealth = network.nodes.map((node) => coinsOf(network.chain, node));
    this.start = network.chain.tip.height;
  }

  node(index: number): TestNode {
    return given(this.network.nodes[index % 3]);
  }

  link(index: number): TestLink {
    return given(this.network.links[index % 2]);
  }

  nameOf(node: TestNode): Name {
    return given(names[this.network.nodes.indexOf(node)]);
  }

  /** The opener orders a channel. */
  open({ link, opener, format, capacity, pushed, announced }: ChannelSetup): void {
    const { a, b } = this.link(link);
    const [from, to] = opener % 2 === 0 ? [a, b] : [b, a];
    const push = (BigInt(capacity) * BigInt(pushed)) / 1_000n;
    const userChannelId = BigInt(this.#openings.size + 1);
    this.#openings.set(userChannelId, {
      opener: from,
      acceptor: to,
      capacity: BigInt(capacity),
      pushed: push * 1_000n,
    });
    from.manager.createChannel({
      counterparty: to.nodeId,
      funding: sat(BigInt(capacity)),
      push: msat(push * 1_000n),
      userChannelId,
      announce: announced,
      formats: [format],
    });
  }

  /** How many channels were ordered. */
  get openings(): number {
    return this.#openings.size;
  }

  /** Whether so many blocks can be abandoned without closing a channel that was ready. */
  mayAbandon(depth: number): boolean {
    const { chain } = this.network;
    const leastDepth = Math.min(...this.#setups.map(({ minimumDepth }) => minimumDepth));
    return this.opened.every(({ funding }) => {
      const confirmations = chain.confirmations(funding.txid);
      return confirmations > depth || confirmations < leastDepth;
    });
  }

  /** The channels of a link were opened and not closed. */
  openOn(link: TestLink): readonly Opened[] {
    return this.opened.filter(
      ({ opener, acceptor, channelId }) =>
        link.joins(opener) && link.joins(acceptor) && !this.isClosed(channelId),
    );
  }

  isClosed(channelId: ChannelId): boolean {
    return this.#closed.has(channelId);
  }

  channel(node: TestNode, channelId: ChannelId): ChannelDetails | undefined {
    return node.manager.listChannels().find((channel) => channel.channelId === channelId);
  }

  stateOf(node: TestNode, channelId: ChannelId): string {
    return this.channel(node, channelId)?.state ?? "gone";
  }

  ordered(paymentHash: PaymentHash, payer: TestNode, order: PaymentOrder): void {
    this.ledger.ordered(paymentHash, order);
    this.orders.push({ payer, paymentHash });
  }

  /** The hash of a preimage that the node which is to be paid does not know. */
  newHeld(): PaymentHash {
    const preimage = new Uint8Array(32).fill(0x68);
    new DataView(preimage.buffer).setUint32(0, this.held.size + 1);
    const paymentHash = paymentHashOf(crypto().sha256(preimage));
    this.held.set(paymentHash, preimage as Bytes32);
    return paymentHash;
  }

  setFeerate(node: TestNode, level: number): void {
    this.#levels.set(node, level % feerates.length);
  }

  /** Its store and its monitors work as they should. */
  mend(node: TestNode): void {
    node.holdsCommits = false;
    node.holdsUpdates = false;
    node.storeFault = undefined;
    node.thaw();
  }

  /** All do, and nothing waits for them. */
  mendAll(): void {
    for (const node of this.network.nodes) this.mend(node);
    this.pump();
  }

  /** The node dies when it has passed `points` more of its crash points. */
  crashAfter(node: TestNode, points: number, losesSent: boolean): void {
    this.#crashes.set(node, { points, losesSent });
  }

  /** Nobody dies of what was planned. */
  spare(): void {
    this.#crashes.clear();
  }

  /** One block, which everybody sees; cheaters are as often faster than slower. */
  mine(): void {
    const { chain, nodes } = this.network;
    chain.mine();
    const isFaster = chain.tip.height % 2 === 0;
    if (isFaster) this.#syncGhosts();
    for (const node of nodes) node.syncChain();
    if (!isFaster) this.#syncGhosts();
  }

  /**
   * A branch of one block more takes the place of `depth` blocks; `drops`: and nobody has their transactions any more.
   */
  reorg(depth: number, drops: boolean): void {
    const { chain } = this.network;
    chain.reorg(depth);
    if (drops) this.#drop();
    this.#timely.startAgain();
    this.#syncGhosts();
  }

  /** Every node claims in time what it says that it can claim. */
  checkClaims(): void {
    const cheaters = new Set([...this.cheated.values()].map(({ node }) => node));
    for (const node of this.network.nodes) {
      if (cheaters.has(node)) continue;
      for (const { channelId } of this.opened) {
        if (!this.isClosed(channelId)) continue;
        const late = this.#timely.late(this.network.chain.tip.height, {
          name: `${this.nameOf(node)} ${channelId}`,
          balances: node.chainMonitor.claimableBalances(channelId),
        });
        if (late !== undefined) throw new ModelError(late);
      }
    }
  }

  #syncGhosts(): void {
    for (const ghost of this.ghosts) ghost.sync(this.preimages);
  }

  /** The mempool forgets all but what funds channels, and what these are funded with. */
  #drop(): void {
    const { chain } = this.network;
    if (!(chain instanceof SimulatedChain)) return;
    const fundings = new Set(this.opened.map(({ funding }) => funding.txid));
    const waiting = chain.mempool.flatMap((id) => chain.transaction(id)?.transaction ?? []);
    const isEnd = (inputs: readonly { readonly outPoint: OutPoint }[]): boolean =>
      inputs.some(({ outPoint }) => {
        if (fundings.has(outPoint.txid)) return true;
        const parent = chain.transaction(outPoint.txid);
        return parent !== undefined && parent.block === undefined && isEnd(parent.transaction.inputs);
      });
    const kept = waiting.filter(({ inputs }) => !isEnd(inputs));
    chain.raiseMempoolMinimum(1_000_000_000n);
    chain.raiseMempoolMinimum(1_000n);
    for (const transaction of kept) chain.submit(transaction);
  }

  /** All nodes do what they can without hearing from each other. */
  pump(): void {
    for (const node of this.network.nodes) this.network.pump(node);
    this.observe();
  }

  /** A node's user decides about a payment that it can claim. */
  decided(node: TestNode, paymentHash: PaymentHash): void {
    this.#undecided.get(node)?.delete(paymentHash);
    this.#decided.add(paymentHash);
  }

  /** Looks at what must hold at any time. */
  observe(): void {
    for (const node of this.network.nodes) {
      this.#checkClaimable(node);
      if (node.isFrozen) this.#disconnect(node);
      this.#readLog(node);
      if (this.#memories.get(node) !== node.manager) {
        this.#memories.set(node, node.manager);
        this.ledger.died(this.nameOf(node));
      }
      const isStored = !node.isFrozen && !node.isCommitting;
      if (!isStored || !this.ledger.hasFresh(this.nameOf(node))) continue;
      const known = new Set<string>(node.manager.listRecentPayments().map(({ paymentHash }) => paymentHash));
      this.ledger.stored(this.nameOf(node), (paymentHash) => known.has(paymentHash));
    }
    for (const { channelId, text } of this.#lost)
      if (this.ledger.isOpened(channelId)) throw new ModelError(text);
  }

  #readLog(node: TestNode): void {
    for (const { level, text } of node.log.slice(this.#logged.get(node) ?? 0))
      if (level === "error") throw new ModelError(`${this.nameOf(node)} logs an error: ${text}`);
    this.#logged.set(node, node.log.length);
  }

  #undecidedOf(node: TestNode): Map<PaymentHash, number> {
    const undecided = this.#undecided.get(node) ?? new Map<PaymentHash, number>();
    this.#undecided.set(node, undecided);
    return undecided;
  }

  /** What a user was told that it can claim stays claimable until it decides, or the deadline comes. */
  #checkClaimable(node: TestNode): void {
    const undecided = this.#undecidedOf(node);
    if (undecided.size === 0) return;
    const { height } = this.network.chain.tip;
    const listed = new Set(node.manager.listClaimablePayments().map(({ paymentHash }) => paymentHash));
    for (const [paymentHash, deadline] of undecided)
      if (height < deadline && !listed.has(paymentHash))
        throw new ModelError(`${this.nameOf(node)} can claim ${paymentHash} no more, and was not asked`);
  }

  #disconnect(node: TestNode): void {
    for (const link of this.network.links)
      if (link.joins(node) && link.connectionId !== undefined) this.network.cut(link);
  }

  #feerate(node: TestNode, target: string): FeeratePerKw {
    if (target.startsWith("min-allowed") || target === "channel-close-minimum")
      return feeratePerKw(feerates[0] ?? 0);
    if (target === "maximum-fee-estimate") return feeratePerKw(highestFeerate);
    return feeratePerKw(feerates[this.#levels.get(node) ?? 0] ?? 0);
  }

  #crashPoint(node: TestNode): void {
    const planned = this.#crashes.get(node);
    if (planned === undefined || planned.points-- > 0) return;
    this.#crashes.delete(node);
    throw new NodeCrash("of the script", { losesSent: planned.losesSent });
  }

  /** An event comes again after a crash; it must be the same one then. */
  #hear(node: TestNode, event: Event): void {
    // Of what a crash has undone, too.
    if (event.kind === "htlc-intercepted") this.intercepted.set(event.interceptId, { node, ...event });
    const index = given(node.manager.pendingEvents(1)[0]).index;
    const told = this.#told.get(node) ?? new Map<number, string>();
    this.#told.set(node, told);
    const text = JSON.stringify(event, textOf);
    const before = told.get(index);
    if (before === undefined) {
      told.set(index, text);
      this.#note(node, event);
    } else if (before !== text) throw new ModelError(`event ${index} was ${before} and is ${text}`);
  }

  #note(node: TestNode, event: Event): void {
    const name = this.nameOf(node);
    if (event.kind === "channel-pending") this.#pending(node, event);
    else if (event.kind === "channel-closed") this.#ended(name, event);
    else {
      // The event is a notice, which may come when the user has looked for himself.
      if (event.kind === "payment-claimable" && !this.#decided.has(event.paymentHash))
        this.#undecidedOf(node).set(event.paymentHash, event.claimDeadline);
      this.ledger.told(name, event);
    }
  }

  #pending(node: TestNode, event: Extract<Event, { kind: "channel-pending" }>): void {
    const opening = this.#openings.get(event.userChannelId);
    if (opening?.opener !== node) return;
    const { opener, acceptor, capacity, pushed } = opening;
    const { channelId, funding } = event;
    this.opened.push({ channelId, opener, acceptor, funding });
    this.ledger.opened(channelId, {
      first: this.nameOf(opener),
      second: this.nameOf(acceptor),
      capacity,
      balance: capacity * 1_000n - pushed,
    });
  }

  #ended(name: Name, { channelId, reason }: Extract<Event, { kind: "channel-closed" }>): void {
    if (this.ends || cooperative.includes(reason.kind)) this.#closed.add(channelId);
    else
      this.#lost.push({
        channelId,
        text: `${name} lost channel ${channelId}: ${JSON.stringify(reason, textOf)}`,
      });
  }
}

/** The same values are the same text, in whatever order they were put together. */
export function textOf(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}`;
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** All but what goes where nobody knows: that is for users who reckon fees themselves. */
const allKnown = htlcInterceptionFlags.allValidHtlcs - htlcInterceptionFlags.toUnknownScids;

/** What a script says of a node on top of what test nodes are set to. */
function configOf(setup: NodeSetup): UserConfig {
  return {
    ...defaultUserConfig,
    channelHandshakeConfig: {
      ...defaultUserConfig.channelHandshakeConfig,
      minimumDepth: setup.minimumDepth,
      announcedMaxInboundHtlcValueInFlightPercent: setup.maxInFlightPercent,
      theirChannelReserveProportionalMillionths: setup.reserveMillionths,
      negotiateAnchorZeroFeeCommitments: true,
      ourMaxAcceptedHtlcs: setup.maxAcceptedHtlcs,
    },
    channelHandshakeLimits: {
      ...defaultUserConfig.channelHandshakeLimits,
      forceAnnouncedChannelPreference: false,
    },
    channelConfig: {
      ...defaultUserConfig.channelConfig,
      forwardingFeeBase: msat(BigInt(setup.feeBase)),
      forwardingFeeProportionalMillionths: setup.feeMillionths,
    },
    acceptForwardsToPrivChannels: true,
    acceptTrampolineForwards: true,
    trampolineRelay: { feeBaseMsat: 0, feeProportionalMillionths: 0, cltvExpiryDelta: 72 },
    htlcInterceptionFlags: setup.intercepts ? allKnown : 0,
  };
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new ModelError("the script names what is not there");
  return value;
}
