import type { BlockLocator } from "../chain/chainInterface.ts";
import type { ChannelAction, CrossChannelAction } from "../channel/action.ts";
import { type ChannelRefusal, refusal } from "../channel/error.ts";
import type { ChannelCommand, ChannelContext, ChannelInput } from "../channel/input.ts";
import { type ChannelState, type FundedChannel, fundedChannel } from "../channel/state.ts";
import { isRecordCommand } from "../channel/states/records.ts";
import { step } from "../channel/step.ts";
import type { Event } from "../handlers/event.ts";
import type { LogRecord } from "../handlers/logger.ts";
import type { ChannelSigner } from "../sign/channelSigner.ts";
import type { ChannelId, NodeId, ShortChannelId } from "../util/ids.ts";
import { commitmentNumber } from "../util/ids.ts";
import { InvariantError, invariant, present } from "../util/invariant.ts";
import { messageOf } from "../util/text.ts";
import type { Features, LightningMessage } from "../wire/index.ts";
import { type ChannelDetails, channelDetails } from "./channelDetails.ts";
import { ChannelNames } from "./channelNames.ts";
import { ChannelPeers, type ConnectedPeer } from "./channelPeers.ts";
import type { ManagerEnvironment } from "./environment.ts";
import { dueFeerate, FeerateTracker } from "./feerates.ts";
import { askSigner } from "./signerAnswer.ts";
import type { Turn } from "./turn.ts";

/** A channel as the manager holds it. */
export interface ChannelEntry {
  state: ChannelState;
  /** As it was last written; absent for one that never was. */
  written: ChannelState | undefined;
  readonly counterparty: NodeId;
  signer: ChannelSigner | undefined;
  /** Set by a bug: the channel is not spoken of with its peer until a restart. What it must know, it still learns. */
  quarantined: boolean;
  /** As it was last looked at: with thousands of channels, few have changed since. */
  seen?: {
    readonly context: ChannelContext;
    readonly state: ChannelState;
    readonly details: ChannelDetails | undefined;
  };
}

const fundingTaken = "the funding output is that of another channel";

/** Who acts on what one channel asks of others. */
export interface CrossChannelHandler {
  onChannelAction(channelId: ChannelId, action: CrossChannelAction): void;
}

/** All channels: steps them, asks their signers, and sorts what they want done. */
export class Channels {
  readonly peers = new ChannelPeers();
  readonly #entries = new Map<ChannelId, ChannelEntry>();
  readonly #names = new ChannelNames();
  /** Channels that may have something to sign. */
  readonly #unsigned = new Set<ChannelId>();
  /** How many `commitment_signed` of a channel wait for what they rest on: the peer was given none of them yet. */
  readonly #unshown = new Map<ChannelId, number>();
  /** Channels that came, stepped or went since `takeChanged`; not those that were never funded, and are gone. */
  #changed = new Set<ChannelId>();
  readonly #environment: ManagerEnvironment;
  readonly #feerates: FeerateTracker;
  readonly #turn: Turn;
  readonly #emit: (event: Event, channelId: ChannelId) => void;
  #context: ChannelContext;
  #handler: CrossChannelHandler | undefined;

  constructor(
    environment: ManagerEnvironment,
    turn: Turn,
    start: {
      readonly features: Features;
      readonly tip: BlockLocator;
      readonly emit: (event: Event, channelId: ChannelId) => void;
    },
  ) {
    this.#environment = environment;
    this.#feerates = new FeerateTracker(environment.feeEstimator);
    this.#turn = turn;
    this.#emit = start.emit;
    this.#context = {
      ourNodeId: environment.nodeSigner.nodeId,
      ourFeatures: start.features,
      chainHash: environment.network.genesisHash,
      bestHeight: start.tip.height,
      feerates: this.#feerates.at(start.tip.height),
      config: environment.config,
    };
  }

  handleWith(handler: CrossChannelHandler): void {
    this.#handler = handler;
  }

  get context(): ChannelContext {
    return this.#context;
  }

  get(channelId: ChannelId): ChannelEntry | undefined {
    return this.#entries.get(channelId);
  }

  /** The funded channel of that id. */
  funded(channelId: ChannelId): FundedChannel | undefined {
    const entry = this.#entries.get(channelId);
    return entry && fundedChannel(entry.state);
  }

  /** The channel that an onion may call by this name. */
  named(name: ShortChannelId): ChannelId | undefined {
    return this.#names.find(name);
  }

  /** What its user sees of a funded channel now. */
  details(channelId: ChannelId): ChannelDetails | undefined {
    const entry = this.#entries.get(channelId);
    if (entry === undefined) return undefined;
    const context = this.#context;
    const { state, seen } = entry;
    if (seen?.state === state && seen.context === context) return seen.details;
    const details = channelDetails(context, state);
    entry.seen = { context, state, details };
    return details;
  }

  all(): IterableIterator<[ChannelId, ChannelEntry]> {
    return this.#entries.entries();
  }

  /** Channels that are new, may have another state, or are gone, since the last call. */
  takeChanged(): ReadonlySet<ChannelId> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  /** Takes in a channel that was just made, or read from the store. */
  add(channelId: ChannelId, entry: Omit<ChannelEntry, "quarantined">): void {
    invariant(!this.#entries.has(channelId), `channel ${channelId} added twice`);
    this.#entries.set(channelId, { ...entry, quarantined: false });
    this.#noteChange(channelId);
    this.peers.addChannel(entry.counterparty, channelId);
  }

  forget(channelId: ChannelId): void {
    const entry = this.#entries.get(channelId);
    if (entry === undefined) return;
    const isFunded = fundedChannel(entry.state) !== undefined;
    this.#entries.delete(channelId);
    if (isFunded) this.#noteChange(channelId);
    else this.#changed.delete(channelId);
    this.peers.forgetChannel(entry.counterparty, channelId);
    this.#unsigned.delete(channelId);
    this.#unshown.delete(channelId);
  }

  connected(nodeId: NodeId, peer: ConnectedPeer): void {
    this.peers.connected(nodeId, peer);
    for (const id of this.peers.channelsOf(nodeId)) {
      this.step(id, { kind: "connected", remoteFeatures: peer.features });
    }
  }

  disconnected(nodeId: NodeId): void {
    if (!this.peers.disconnected(nodeId)) return;
    for (const id of this.peers.channelsOf(nodeId)) this.step(id, { kind: "disconnected" });
    this.peers.left(nodeId);
  }

  setTip(height: number): void {
    this.#context = { ...this.#context, bestHeight: height };
  }

  refreshFeerates(): void {
    this.#context = { ...this.#context, feerates: this.#feerates.at(this.#context.bestHeight) };
  }

  /** Proposes the feerate that a channel of ours should have by now. One that the channel cannot bear waits. */
  updateFee(channelId: ChannelId): void {
    const state = this.#entries.get(channelId)?.state;
    const feerate = state && dueFeerate(state, this.#context.feerates);
    if (feerate !== undefined) this.command(channelId, { kind: "update-fee", feerate });
  }

  /** Gives a command; a refusal leaves the channel as it was. */
  command(channelId: ChannelId, command: ChannelCommand): ChannelRefusal | undefined {
    const input = { kind: "command", command } as const;
    const entry = this.#entries.get(channelId);
    if (entry === undefined) return refusalOf("unknown-channel", `there is no channel ${channelId}`);
    if (entry.quarantined && !reachesQuarantined(input)) {
      return refusalOf("quarantined", `channel ${channelId} is quarantined: it cannot ${command.kind}`);
    }
    return this.step(channelId, input);
  }

  /**
   * A message of the peer. A revocation that answers what the peer was not given yet is none: were it taken, an HTLC
   * would be forwarded though the commitments that have it may never count.
   */
  message(channelId: ChannelId, message: LightningMessage): void {
    if (message.type === "revoke_and_ack" && this.#unshown.has(channelId)) {
      this.#refuseRevocation(channelId);
      return;
    }
    if (message.type !== "channel_reestablish") {
      this.step(channelId, { kind: "message", message });
      return;
    }
    const signer = this.#entries.get(channelId)?.signer;
    const shown = message.nextRevocationNumber - 1n;
    const known = signer !== undefined && shown >= 0n && shown < 1n << 48n;
    const ourPoint = known ? signer.point(commitmentNumber(Number(shown))) : undefined;
    this.step(channelId, { kind: "message", message, ...(ourPoint && { ourPoint }) });
  }

  /** A `commitment_signed` has left, or never will. */
  shown(channelId: ChannelId): void {
    const count = this.#unshown.get(channelId) ?? 0;
    if (count > 1) this.#unshown.set(channelId, count - 1);
    else this.#unshown.delete(channelId);
  }

  /** One input, and the answers of a signer that answers at once. */
  step(channelId: ChannelId, input: ChannelInput): ChannelRefusal | undefined {
    const entry = this.#entries.get(channelId);
    if (entry === undefined || (entry.quarantined && !reachesQuarantined(input))) return undefined;
    this.#turn.touch(channelId);
    let refused: ChannelRefusal | undefined;
    let next: ChannelInput | undefined = input;
    let id = channelId;
    try {
      while (next !== undefined) {
        const before = entry.state;
        const result = step(this.#context, before, next);
        entry.state = result.state;
        next = undefined;
        for (const action of result.actions) {
          if (action.kind === "set-channel-id" && this.#entries.has(action.channelId)) {
            // A peer may name the funding output of any channel that it sees in the chain. It gets nothing by that.
            entry.state = before;
            next = { kind: "command", command: { kind: "force-close", message: fundingTaken } };
            break;
          }
          if (action.kind === "request-signature") {
            const signer = present(entry.signer, "the channel's signer");
            next = askSigner(signer, action.request, this.#environment.nodeSigner);
          } else if (action.kind === "refused") refused ??= action.refusal;
          else id = this.#act(id, entry, action);
        }
      }
    } catch (error) {
      const why = messageOf(error);
      this.quarantine(id, why);
      refused = refusalOf("quarantined", why);
    }
    this.#noteChange(id);
    if (entry.state.kind === "ended") this.forget(id);
    else this.#unsigned.add(id);
    return refused;
  }

  /**
   * A bug stops what this channel does with its peer, and no other channel. It is as if the connection were gone for
   * good: what was offered and not signed goes back to its source. Preimages and decisions are still noted, its user
   * may close it, and the chain still reaches it and its monitor.
   */
  quarantine(channelId: ChannelId, why: string): void {
    const entry = present(this.#entries.get(channelId), "a channel to quarantine");
    const isFirst = !entry.quarantined;
    entry.quarantined = true;
    this.#log(entry, "error", `channel ${channelId} is quarantined: ${why}`);
    this.#disconnect(channelId, entry);
    if (isFirst) this.#stepOnce(channelId, entry, { kind: "disconnected" });
  }

  #refuseRevocation(channelId: ChannelId): void {
    const entry = this.#entries.get(channelId);
    if (entry === undefined || this.peers.connection(entry.counterparty) === undefined) return;
    const why = "revoke_and_ack of a commitment before we signed the next one";
    this.#log(entry, "warn", `channel ${channelId}: ${why}`);
    this.#disconnect(channelId, entry);
  }

  /** Closes the connection with the channel's peer, if there is one, after what was sent. */
  #disconnect(channelId: ChannelId, { counterparty: nodeId }: ChannelEntry): void {
    const peer = this.peers.connection(nodeId);
    if (peer) this.#turn.effect({ kind: "disconnect", nodeId, epoch: peer.epoch }, channelId);
  }

  /** One step after a bug: another one is only logged. */
  #stepOnce(channelId: ChannelId, entry: ChannelEntry, input: ChannelInput): void {
    try {
      const { state, actions } = step(this.#context, entry.state, input);
      entry.state = state;
      for (const action of actions) this.#act(channelId, entry, action);
    } catch (error) {
      this.#log(entry, "error", `channel ${channelId}: ${messageOf(error)}`);
    }
    this.#noteChange(channelId);
  }

  /** Carries out the actions with which a channel began. */
  perform(channelId: ChannelId, actions: readonly ChannelAction[]): void {
    const entry = present(this.#entries.get(channelId), "a channel that begins");
    this.#turn.touch(channelId);
    for (const action of actions) this.#act(channelId, entry, action);
    if (entry.state.kind === "ended") this.forget(channelId);
  }

  /** Channels that have stepped since the last call and may have something to sign. */
  takeUnsigned(): readonly ChannelId[] {
    const ids = [...this.#unsigned].filter((id) => {
      const kind = this.#entries.get(id)?.state.kind;
      return kind === "normal" || kind === "shutting-down";
    });
    this.#unsigned.clear();
    return ids;
  }

  /** Lets the channel sign what has changed, if it may. */
  sign(channelId: ChannelId): void {
    this.command(channelId, { kind: "sign" });
    this.#unsigned.delete(channelId);
  }

  /** Carries out one action; gives the channel's id, which the action may have changed. */
  #act(id: ChannelId, entry: ChannelEntry, action: ChannelAction): ChannelId {
    switch (action.kind) {
      case "persist":
        this.#turn.persist(id, action.left);
        return id;
      case "watch-channel":
        this.#turn.setup(action.setup);
        return id;
      case "watch-update":
        this.#turn.update(action.update);
        return id;
      case "send": {
        const peer = this.peers.connection(entry.counterparty);
        const nodeId = entry.counterparty;
        const { message } = action;
        if (peer === undefined) return id;
        if (message.type === "commitment_signed") this.#unshown.set(id, (this.#unshown.get(id) ?? 0) + 1);
        this.#turn.effect({ kind: "send", nodeId, epoch: peer.epoch, message }, id);
        return id;
      }
      case "disconnect":
        this.#disconnect(id, entry);
        return id;
      case "broadcast":
        this.#turn.effect({ kind: "broadcast", transactions: action.transactions, type: action.type }, id);
        return id;
      case "watch-funding": {
        const { outPoint, script } = action;
        this.#turn.effect({ kind: "register-output", output: { outPoint, script } }, id);
        return id;
      }
      case "set-channel-id":
        this.#rename(id, action.channelId);
        return action.channelId;
      case "event":
        this.#emit(action.event, id);
        return id;
      case "log":
        this.#log(entry, action.level, action.text);
        return id;
      case "request-signature":
      case "refused":
        throw new InvariantError(`${action.kind} is not an effect`);
      case "htlc-added":
      case "htlc-fulfilled":
      case "htlc-removed":
      case "htlc-dropped":
      case "htlcs-signed":
      case "incoming-htlc-gone":
      case "usability-changed":
      case "announce":
      case "closed":
        present(this.#handler, "the handler of channel actions").onChannelAction(id, action);
        return id;
    }
  }

  #rename(from: ChannelId, to: ChannelId): void {
    const entry = present(this.#entries.get(from), "a channel that gets its id");
    invariant(!this.#entries.has(to), `two channels of id ${to}`);
    this.#entries.delete(from);
    this.#unsigned.delete(from);
    this.#entries.set(to, entry);
    this.#changed.delete(from);
    this.#noteChange(to);
    this.peers.renameChannel(entry.counterparty, from, to);
    this.#turn.touch(to);
  }

  #log({ counterparty: nodeId }: ChannelEntry, level: LogRecord["level"], text: string): void {
    this.#environment.logger.log({ level, module: "channel", text, nodeId });
  }

  #noteChange(channelId: ChannelId): void {
    this.#changed.add(channelId);
    this.#names.update(channelId, this.funded(channelId));
  }
}

/** What a quarantined channel still takes: facts, of the chain or about its HTLCs, and the user's last word. */
function reachesQuarantined(input: ChannelInput): boolean {
  if (input.kind === "funding-spent" || input.kind === "watch-refused") return true;
  if (input.kind !== "command") return false;
  return input.command.kind === "force-close" || isRecordCommand(input.command);
}

function refusalOf(code: string, text: string): ChannelRefusal {
  return refusal("ignore", code, text);
}
