import { type BlockHeader, blockHash } from "@fulmen/bitcoin/block";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { BlockLocator, Confirm, Listen, TransactionInBlock } from "../chain/chainInterface.ts";
import type { ChannelConfig, ChannelConfigUpdate } from "../channel/config.ts";
import type { FormatName } from "../commitment/params.ts";
import type {
  ChannelMessage,
  ChannelMessageHandler,
  EventsProvider,
  IndexedEvent,
  MessageSendEvent,
  PeerConnection,
} from "../handlers/index.ts";
import type { Invoice } from "../invoice/index.ts";
import type { BlindedPaymentPath } from "../onion/index.ts";
import type { InboundPayment, InvoiceClaim } from "../payment/inboundPayment.ts";
import type { PaymentTerms } from "../payment/outboundPayment.ts";
import type { RecentPaymentDetails } from "../payment/outboundPayments.ts";
import type { FirstHop, InFlightHtlcs, Path, Route, RouteParameters } from "../routing/route.ts";
import type { SigningAnswer, SigningRequest } from "../sign/channelSigner.ts";
import type { Bytes32, Script } from "../util/bytes.ts";
import {
  type BlockHash,
  type BlockHeight,
  type ChannelId,
  type InterceptId,
  type NodeId,
  type PaymentHash,
  type PaymentId,
  paymentIdOf,
  type ShortChannelId,
  type Txid,
} from "../util/ids.ts";
import { type FeeratePerKw, type Msat, plus, type Sat, zeroMsat } from "../util/units.ts";
import { featuresOfInit } from "../wire/index.ts";
import { requiredAnchorReserve } from "./anchorReserveCheck.ts";
import { ApiError } from "./apiError.ts";
import type { Batch } from "./batch.ts";
import { type BlindedPathsOptions, blindedPaymentPaths } from "./blindedPaths.ts";
import { ChainTracker } from "./chainTracker.ts";
import { type ChannelDetails, isUnfunded } from "./channelDetails.ts";
import { acceptChannel, createChannel, inboundOpen } from "./channelOpening.ts";
import type { ClaimablePayment, FailureCode } from "./claimables.ts";
import { checkChannelConfig, checkUserConfig } from "./configChecks.ts";
import type { ManagerEnvironment } from "./environment.ts";
import {
  type CreatedInvoice,
  createInvoice,
  createPayment,
  type InboundPaymentRequest,
  type InvoiceRequest,
  type PhantomRouteHints,
  phantomRouteHints,
  preimageOfPayment,
} from "./invoices.ts";
import type { PendingSigningRequest } from "./lateSigners.ts";
import { type CoreStart, ManagerCore } from "./managerCore.ts";
import { ourFeatures } from "./ourFeatures.ts";
import {
  checkedTerms,
  keysendTerms,
  type PayInvoiceOptions,
  type PaymentRequest,
  parsedInvoice,
  type SpontaneousPayment,
  termsOfInvoice,
} from "./paymentTerms.ts";
import { pay, payAlong, type SentProbe, sendPreflightProbes, sendProbe } from "./sending.ts";
import { overTrampolines, type TrampolineStep } from "./trampolineTerms.ts";

/** What a new channel shall be. @ldk ChannelManager::create_channel */
export interface CreateChannelRequest {
  readonly counterparty: NodeId;
  readonly funding: Sat;
  /** Given to the peer at the opening. Default 0. */
  readonly push?: Msat;
  /** The user's own number, told again in events. Default 0. */
  readonly userChannelId?: bigint;
  /** Announce the channel to the network. Default: what the config says. */
  readonly announce?: boolean;
  /**
   * The peer need not keep a reserve, and so may try old commitments at no cost to itself: only for peers that are
   * trusted. Not with `static-remotekey`. Default false.
   *
   * @ldk ChannelManager::create_channel_to_trusted_peer_0reserve
   */
  readonly zeroReserve?: boolean;
  /** Commitment formats to offer, the best first. Default: what the config says. */
  readonly formats?: readonly FormatName[];
}

/**
 * Many channels and the payments over them.
 *
 * Nothing happens unless it is called, and nothing of what a call causes leaves the node before it is durable: after
 * each round of calls the host takes the batch (`takeBatch`), commits its writes, and says so (`batchCommitted`). Only
 * then do messages, events and broadcasts come out. See docs/durability.md; `BackgroundProcessor` does all this.
 *
 * @ldk lightning::ln::channelmanager::ChannelManager
 */
export class ChannelManager implements ChannelMessageHandler, EventsProvider, Listen, Confirm {
  readonly #core: ManagerCore;
  readonly #chain: ChainTracker;

  /** A manager that begins as `start` says: see `newManager` and `restoreManager`. */
  constructor(environment: ManagerEnvironment, start: CoreStart) {
    checkUserConfig(environment.config);
    this.#core = new ManagerCore(environment, start);
    this.#chain = new ChainTracker(this.#core);
  }

  /** For `restoreManager` only: what the manager is made of. */
  get core(): ManagerCore {
    return this.#core;
  }

  get nodeId(): NodeId {
    return this.#core.environment.nodeSigner.nodeId;
  }

  get bestBlock(): BlockLocator {
    return this.#core.tip;
  }

  // Batches

  /** All that has to be written for what happened since the last call, or `undefined` when there is nothing. */
  takeBatch(): Batch | undefined {
    return this.#core.takeBatch();
  }

  /** The batch's writes are durable; batches are committed in the order in which they were taken. */
  batchCommitted(sequence: number): void {
    this.#core.batchCommitted(sequence);
  }

  /** Takes in what the `Watch` has to tell; call it after blocks, and when an update that was in progress is done. */
  processMonitorEvents(): void {
    this.#core.takeMonitorEvents();
    this.#core.release();
  }

  /**
   * Closed channels of which nothing has been left on the chain for about four weeks. For each, look up the keys of all
   * records below `channelPrefixes` and pass them to `archiveChannel`, and the id to `ChainMonitor.archive`.
   *
   * @ldk lightning::chain::chainmonitor::ChainMonitor::archive_fully_resolved_channel_monitors
   */
  channelsToArchive(): readonly ChannelId[] {
    return this.#core.closed.archivable(this.#core.tip.height);
  }

  /** Forgets a closed channel; the next batch deletes `keys`, those of all its records. */
  archiveChannel(channelId: ChannelId, keys: readonly string[]): void {
    this.#core.input(() => this.#core.archive(channelId, keys));
  }

  // Channels

  /** Begins a channel; `funding-generation-ready` follows when the peer accepts. Gives the temporary id. */
  createChannel(request: CreateChannelRequest): ChannelId {
    const { push = zeroMsat, userChannelId = 0n } = request;
    return this.#core.input(() => createChannel(this.#core, { ...request, push, userChannelId }));
  }

  /**
   * Takes a channel of which `open-channel-request` told. What follows is for trusted peers only: with `zeroConf`, the
   * channel is used before its funding confirms, which the peer may still spend otherwise; with `zeroReserve`, the peer
   * need not keep anything, and so may try old commitments at no cost to itself. With `withoutAnchorReserve` it is
   * taken even if the wallet could not get its transactions confirmed when fees are high.
   *
   * @ldk ChannelManager::accept_inbound_channel_from_trusted_peer
   */
  acceptInboundChannel(
    temporaryChannelId: ChannelId,
    options: {
      readonly userChannelId?: bigint;
      readonly zeroConf?: boolean;
      readonly zeroReserve?: boolean;
      readonly withoutAnchorReserve?: boolean;
    } = {},
  ): void {
    const {
      userChannelId = 0n,
      zeroConf = false,
      zeroReserve = false,
      withoutAnchorReserve = false,
    } = options;
    const terms = { userChannelId, zeroConf, zeroReserve, withoutAnchorReserve };
    this.#core.input(() => acceptChannel(this.#core, temporaryChannelId, terms));
  }

  /** The funding transaction, signed and not broadcast: that is done as soon as the channel is safe. */
  fundingTransactionGenerated(temporaryChannelId: ChannelId, transaction: Transaction): void {
    this.#command(temporaryChannelId, { kind: "fund", transaction });
  }

  /** Closes in agreement with the peer, once all HTLCs are resolved. `script` defaults to the signer's. */
  closeChannel(
    channelId: ChannelId,
    options: { readonly script?: Script; readonly feerate?: FeeratePerKw } = {},
  ): void {
    const { signerProvider } = this.#core.environment;
    const agreed = this.#core.channels.funded(channelId)?.identity.shutdownScript;
    const script = options.script ?? agreed ?? (signerProvider.shutdownScript() as Script);
    this.#command(channelId, { kind: "shutdown", script, feerate: options.feerate });
  }

  /** Gives up the channel and broadcasts our latest commitment; before the funding, just gives it up. */
  forceCloseBroadcastingLatestTxn(channelId: ChannelId, message: string): void {
    this.#command(channelId, { kind: "force-close", message });
  }

  /**
   * Replaces a channel's config. What payers know of the old one is honoured for five ticks. Throws `ApiError` when a
   * field is out of its range, or a `cltvExpiryDelta` would put forwarded funds at risk.
   */
  updateChannelConfig(channelId: ChannelId, config: ChannelConfig): void {
    checkChannelConfig(config);
    const before = this.#core.channels.funded(channelId)?.identity.config;
    this.#command(channelId, { kind: "update-config", config });
    if (before !== undefined) this.#core.forwarding.previousConfigs.replaced(channelId, before, config);
  }

  /** Changes some fields of a channel's config. @ldk ChannelManager::update_partial_channel_config */
  updatePartialChannelConfig(channelId: ChannelId, update: ChannelConfigUpdate): void {
    const config = this.#core.channels.funded(channelId)?.identity.config;
    if (config === undefined) throw unknownChannel(channelId);
    this.updateChannelConfig(channelId, { ...config, ...update });
  }

  listChannels(): readonly ChannelDetails[] {
    const { channels } = this.#core;
    return [...channels.all()].flatMap(([channelId]) => channels.details(channelId) ?? []);
  }

  listUsableChannels(): readonly ChannelDetails[] {
    return this.listChannels().filter(({ isUsable }) => isUsable);
  }

  /**
   * Satoshis that must stay confirmed in the wallet for the channels at hand: let it keep as much when it spends
   * (`FundRequest.keep` of `@fulmen/wallet`).
   */
  requiredAnchorReserve(): Sat {
    return requiredAnchorReserve(this.#core);
  }

  // Signers that answer later

  /** What channels wait for their signers to answer, those behind a network among them. A disconnection drops it. */
  listSigningRequests(): readonly PendingSigningRequest[] {
    return this.#core.lateSigners.requests();
  }

  /**
   * A signer that had not answered `request` at once does so now. `false` when the channel waits for that no more: the
   * answer is of no use then, and may be forgotten.
   */
  signerAnswered(channelId: ChannelId, request: SigningRequest, answer: SigningAnswer): boolean {
    return this.#core.input(() => this.#core.lateSigners.answered(channelId, request, answer));
  }

  /**
   * Asks signers again that had not answered: of one channel, or of all.
   *
   * @ldk lightning::ln::channelmanager::ChannelManager::signer_unblocked
   */
  signerUnblocked(channelId?: ChannelId): void {
    const { lateSigners } = this.#core;
    const ids = channelId === undefined ? lateSigners.requests().map((one) => one.channelId) : [channelId];
    for (const id of ids) this.#core.input(() => lateSigners.askAgain(id));
  }

  // Receiving

  /** A BOLT 11 invoice of ours. Nothing is stored for it. Throws `ApiError` when no invoice can say what is asked. */
  createBolt11Invoice(request: InvoiceRequest): CreatedInvoice {
    return createInvoice(this.#core, request);
  }

  /**
   * A hash and a secret for an invoice that somebody else makes; nothing is stored. `paymentMetadata` comes back
   * hidden, as the invoice has to carry it.
   */
  createInboundPayment(request: Omit<InboundPaymentRequest, "paymentHash"> = {}): InboundPayment {
    return createPayment(this.#core, request);
  }

  /** A secret for an invoice over a hash whose preimage the user keeps: the payment waits until it is claimed. */
  createInboundPaymentForHash(
    request: InboundPaymentRequest & { readonly paymentHash: PaymentHash },
  ): InboundPayment {
    return createPayment(this.#core, request);
  }

  /** What `createInboundPayment` made the hash of, and the metadata in clear; throws `ApiError` when it did not. */
  getPaymentPreimage(claim: InvoiceClaim): ReturnType<typeof preimageOfPayment> {
    return preimageOfPayment(this.#core, claim);
  }

  /**
   * Ways for a payment of `createInboundPayment` that do not tell a payer who we are; throws `ApiError` when there are
   * none.
   */
  createBlindedPaymentPaths(options: BlindedPathsOptions): readonly BlindedPaymentPath[] {
    return blindedPaymentPaths(this.#core, options);
  }

  /** A new name of the channel to the phantom, which does not exist. @ldk ChannelManager::get_phantom_scid */
  phantomScid(): ShortChannelId {
    return this.#core.fakeScids.create("phantom");
  }

  /** How payers reach us as the phantom, for `createPhantomInvoice`. @ldk ChannelManager::get_phantom_route_hints */
  phantomRouteHints(): PhantomRouteHints {
    return phantomRouteHints(this.#core, this.phantomScid());
  }

  /**
   * Claims the payment with this preimage: all its parts, or none. Again, or too late, it is `false`. A payment with
   * custom TLVs of even types is failed instead: see `claimFundsWithKnownCustomTlvs`.
   */
  claimFunds(preimage: Bytes32): boolean {
    return this.#core.input(() => this.#core.claimables.claim(preimage, { customTlvsKnown: false }));
  }

  /** `claimFunds` by one who has understood all custom TLVs of even types that the payment brought. */
  claimFundsWithKnownCustomTlvs(preimage: Bytes32): boolean {
    return this.#core.input(() => this.#core.claimables.claim(preimage, { customTlvsKnown: true }));
  }

  /** Fails a payment; `false` when there is none. Also one of which parts are still to come. */
  failHtlcBackwards(paymentHash: PaymentHash): boolean {
    return this.#core.input(() => this.#core.claimables.failBackwards(paymentHash));
  }

  /** `failHtlcBackwards`, with the reason that the payer is told. */
  failHtlcBackwardsWithReason(paymentHash: PaymentHash, code: FailureCode): boolean {
    return this.#core.input(() => this.#core.claimables.failBackwards(paymentHash, code));
  }

  listClaimablePayments(): readonly ClaimablePayment[] {
    return this.#core.claimables.list();
  }

  // Sending

  /**
   * Pays an invoice, given as its text or parsed already. The id makes it safe to call again: the same one is never
   * paid twice. Default: the payment hash.
   */
  payForBolt11Invoice(
    invoice: string | Invoice,
    options: PayInvoiceOptions & { readonly paymentId?: PaymentId } = {},
  ): PaymentId {
    const terms = this.paymentTermsOf(invoice, options);
    const paymentId = options.paymentId ?? (terms.paymentHash as string as PaymentId);
    this.#core.input(() => pay(this.#core, paymentId, { terms, retry: options.retry }));
    return paymentId;
  }

  /** Pays by what the user knows of the payee. @ldk ChannelManager::send_payment */
  sendPayment({ paymentId, retry, trampolines, ...terms }: PaymentRequest): void {
    const order = { terms: this.#over(trampolines, checkedTerms(terms)), retry };
    this.#core.input(() => pay(this.#core, paymentId, order));
  }

  /** Pays a node that made no invoice. */
  sendSpontaneousPayment(payment: SpontaneousPayment): PaymentId {
    const { entropy } = this.#core.environment;
    const terms = keysendTerms(payment, payment.preimage ?? (entropy.randomBytes(32) as Bytes32));
    const paymentId = payment.paymentId ?? paymentIdOf(entropy.randomBytes(32));
    this.#core.input(() => pay(this.#core, paymentId, { terms, retry: payment.retry }));
    return paymentId;
  }

  /**
   * What paying an invoice means, for those who find its route themselves; throws `ApiError` when it cannot be paid.
   */
  paymentTermsOf(invoice: string | Invoice, options: PayInvoiceOptions = {}): PaymentTerms {
    const us = { nodeId: this.nodeId, network: this.#core.environment.network.name };
    const parsed = typeof invoice === "string" ? parsedInvoice(invoice) : invoice;
    return this.#over(options.trampolines, termsOfInvoice(parsed, us, options));
  }

  #over(trampolines: readonly TrampolineStep[] | undefined, terms: PaymentTerms): PaymentTerms {
    if (trampolines === undefined) return terms;
    const { entropy } = this.#core.environment;
    return checkedTerms(overTrampolines(terms, trampolines, { entropy, height: this.#core.tip.height }));
  }

  /** Pays along ways that are given, without trying others; what a lost connection drops is sent again. */
  sendPaymentWithRoute(paymentId: PaymentId, terms: PaymentTerms, route: Route): void {
    this.#core.input(() => payAlong(this.#core, paymentId, { terms, route }));
  }

  /** Sends an HTLC along a path that nobody can claim; `probe-successful` or `probe-failed` tells how far it came. */
  sendProbe(path: Path): SentProbe {
    return this.#core.input(() => sendProbe(this.#core, path));
  }

  /** Probes the ways that a payment would take now. @ldk ChannelManager::send_preflight_probes */
  sendPreflightProbes(parameters: RouteParameters, liquidityLimitMultiplier?: bigint): readonly SentProbe[] {
    return this.#core.input(() => sendPreflightProbes(this.#core, parameters, liquidityLimitMultiplier));
  }

  /** Probes the ways to a node that made no invoice. @ldk ChannelManager::send_spontaneous_preflight_probes */
  sendSpontaneousPreflightProbes(payment: SpontaneousPayment): readonly SentProbe[] {
    return this.sendPreflightProbes(keysendTerms(payment, new Uint8Array(32) as Bytes32).routeParameters);
  }

  /** What probes under way bind of our channels, fees included, and how many they are. */
  probesInFlight(): { readonly count: number; readonly amount: Msat } {
    const { size, amount, fees } = this.#core.payments.probes.inFlight;
    return { count: size, amount: plus(amount, fees) };
  }

  /** Our channels that can carry a payment now, as a router is told of them. */
  listFirstHops(): readonly FirstHop[] {
    return this.#core.payer.firstHops();
  }

  /** No further part is tried; `payment-failed` follows when the last one under way has failed. */
  abandonPayment(paymentId: PaymentId): boolean {
    return this.#core.input(() => this.#core.payments.abandon(paymentId, "user-abandoned"));
  }

  /** Payments under way, and those that ended some minutes ago at most. @ldk ChannelManager::list_recent_payments */
  listRecentPayments(): readonly RecentPaymentDetails[] {
    return this.#core.payments.list();
  }

  /** What HTLCs of ours take of others' channels now. @ldk ChannelManager::compute_inflight_htlcs */
  computeInflightHtlcs(): readonly InFlightHtlcs[] {
    return this.#core.payments.inFlightHtlcs();
  }

  // Forwarding

  /**
   * A short channel id for the route hint of an invoice: HTLCs that name it are told of by `htlc-intercepted`, if
   * `htlcInterceptionFlags` has `toInterceptScids`. Nothing is stored for it.
   *
   * @ldk ChannelManager::get_intercept_scid
   */
  getInterceptScid(): ShortChannelId {
    return this.#core.fakeScids.create("intercept");
  }

  /**
   * Passes on an HTLC of which `htlc-intercepted` told. What `amountToForward` is less than the payer meant is the
   * skimmed fee, of which the next peer is told; it must take such HTLCs. Throws `ApiError`, and the HTLC still waits,
   * when the channel does not take it; also when it was decided before, or failed back since it was about to expire.
   */
  forwardInterceptedHtlc(
    interceptId: InterceptId,
    nextHopChannelId: ChannelId,
    nextNodeId: NodeId,
    amountToForward: Msat,
  ): void {
    const { intercepted, forwarding } = this.#core;
    const to = { channelId: nextHopChannelId, nodeId: nextNodeId, amount: amountToForward };
    this.#core.input(() =>
      intercepted.forward(interceptId, to, (...args) => forwarding.offerIntercepted(...args)),
    );
  }

  failInterceptedHtlc(interceptId: InterceptId): void {
    this.#core.input(() => this.#core.intercepted.fail(interceptId));
  }

  /**
   * From now on HTLCs that came in wait for `processPendingHtlcForwards`: the host calls it a random moment after
   * `needsPendingHtlcProcessing`, so that those of one moment go on together and an observer learns less from the time
   * that each takes. Without this call they are decided in `takeBatch`.
   */
  deferHtlcForwards(): void {
    this.#core.deferForwards();
  }

  /** Whether HTLCs, or failures of blinded paths that begin here, wait for `processPendingHtlcForwards`. */
  needsPendingHtlcProcessing(): boolean {
    return this.#core.incoming.size > 0 || this.#core.incoming.failuresToTell > 0;
  }

  /** Passes on, keeps or fails all HTLCs that have come in; lets failures go back that waited since the last call. */
  processPendingHtlcForwards(): void {
    this.#core.processForwards();
  }

  // Events

  pendingEvents(limit: number, after?: number): readonly IndexedEvent[] {
    return this.#core.events.pending(limit, after);
  }

  acknowledgeEvent(index: number): void {
    this.#core.events.acknowledgeOne(index);
  }

  acknowledgeEvents(index: number): void {
    this.#core.events.acknowledge(index);
  }

  // Time

  /** About once a minute; `now` in seconds since 1970. */
  timerTickOccurred(now: number): void {
    const { announcer, channels, claimables, forwarding, incoming, payments } = this.#core;
    this.#core.setTime(now);
    channels.refreshFeerates();
    for (const [id] of [...channels.all()]) {
      this.#core.input(() => channels.step(id, { kind: "tick" }));
      this.#core.input(() => channels.updateFee(id));
    }
    this.#core.input(() => claimables.tick());
    this.#core.input(() => this.#core.relays.tick());
    this.#core.input(() => payments.tick(this.#core.events.paymentsToTell()));
    this.#core.input(() => incoming.tick());
    this.#core.input(() => announcer.tick());
    forwarding.previousConfigs.tick();
  }

  // Peers: ChannelMessageHandler

  providedInitFeatures(): Uint8Array {
    return ourFeatures(this.#core.environment.config).toBytes();
  }

  peerConnected(nodeId: NodeId, { init, epoch }: PeerConnection): "accept" | "refuse" {
    // Channels store them, each its own: not what a peer writes beyond that.
    const features = featuresOfInit(init).inContext("I");
    this.#core.input(() => this.#core.channels.connected(nodeId, { epoch, features }));
    return "accept";
  }

  peerDisconnected(nodeId: NodeId): void {
    this.#core.input(() => this.#core.channels.disconnected(nodeId));
  }

  handleMessage(nodeId: NodeId, message: ChannelMessage): void {
    this.#core.input(() => inboundOpen(this.#core, nodeId, message));
  }

  takeMessageSendEvents(): readonly MessageSendEvent[] {
    return this.#core.takeMessages();
  }

  wantsToPause(nodeId: NodeId): boolean {
    return this.#core.congested || this.#core.lateSigners.areAwaitedFor(nodeId);
  }

  hasChannelWith(nodeId: NodeId): boolean {
    const { channels } = this.#core;
    return channels.peers.channelsOf(nodeId).some((id) => !isUnfunded(channels.funded(id)));
  }

  // Chain: Listen and Confirm

  blockConnected(
    header: BlockHeader,
    transactions: readonly TransactionInBlock[],
    height: BlockHeight,
  ): void {
    this.#chain.connected({ header, hash: blockHash(header), transactions, height });
  }

  blocksDisconnected(forkPoint: { readonly hash: BlockHash; readonly height: BlockHeight }): void {
    this.#chain.disconnected(forkPoint);
  }

  transactionsConfirmed(
    header: BlockHeader,
    transactions: readonly TransactionInBlock[],
    height: BlockHeight,
  ): void {
    this.#chain.confirmed({ header, hash: blockHash(header), transactions, height });
  }

  /**
   * Takes the preimages that a transaction shows before any block has it, if the chain source sees mempools: an HTLC
   * that the peer claims on the chain is then claimed upstream hours earlier.
   */
  transactionSeen(transaction: Transaction): void {
    const shown: Bytes32[] = [];
    for (const { witness } of transaction.inputs) {
      for (const item of witness) if (item.length === 32) shown.push(item as Bytes32);
    }
    if (shown.length > 0) this.#core.input(() => this.#core.outgoing.preimagesSeen(shown));
  }

  transactionUnconfirmed(txid: Txid): void {
    this.#chain.unconfirmed(txid);
  }

  bestBlockUpdated(header: BlockHeader, height: BlockHeight): void {
    this.#chain.best({ header, hash: blockHash(header), height });
  }

  relevantTxids(): readonly {
    readonly txid: Txid;
    readonly height: BlockHeight;
    readonly blockHash: BlockHash;
  }[] {
    return this.#chain.relevant();
  }

  #command(channelId: ChannelId, command: Parameters<ManagerCore["channels"]["command"]>[1]): void {
    if (this.#core.channels.get(channelId) === undefined) throw unknownChannel(channelId);
    const refusal = this.#core.input(() => this.#core.channels.command(channelId, command));
    if (refusal !== undefined) throw new ApiError("channel-refused", refusal.text);
  }
}

function unknownChannel(channelId: ChannelId): ApiError {
  return new ApiError("channel-unavailable", `there is no channel ${channelId} that can do this`);
}
