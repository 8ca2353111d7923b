import { crypto } from "@fulmen/bitcoin/crypto";
import { p2wpkh } from "@fulmen/bitcoin/script";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import { drive } from "@fulmen/testkit/drive";
import type { ChannelAction } from "#src/channel/action";
import { type ChannelFeerates, defaultUserConfig, type UserConfig } from "#src/channel/config";
import type { HtlcToSend, Resolution } from "#src/channel/disposition";
import type { ChannelCommand, ChannelContext, ChannelInput } from "#src/channel/input";
import type { LocalKeys } from "#src/channel/localKeys";
import { openChannel } from "#src/channel/openChannel";
import { receiveOpenChannel } from "#src/channel/receiveOpenChannel";
import { type ChannelState, type FundedChannel, fundedChannel } from "#src/channel/state";
import { step } from "#src/channel/step";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { FormatName } from "#src/commitment/params";
import type { Event } from "#src/handlers/event";
import type { ChannelSigner } from "#src/sign/channelSigner";
import { KeysManager } from "#src/sign/keysManager";
import { type Bytes32, noBytes, type Script, toHex } from "#src/util/bytes";
import {
  type BlockHash,
  type ChannelId,
  commitmentNumber,
  type PaymentHash,
  type PaymentId,
  paymentHashOf,
  type ShortChannelId,
  type Txid,
} from "#src/util/ids";
import { present } from "#src/util/invariant";
import { feeratePerKw, msat, type Sat, sat } from "#src/util/units";
import {
  type ChannelReestablish,
  decodeMessage,
  encodeMessage,
  Features,
  type LightningMessage,
  type MessageType,
  type OpenChannel,
} from "#src/wire/index";

// Two channels wired to each other message by message, with real keys, so that every signature is checked.

export const formats = formatNames;
export const startHeight = 1_000;
export const chainHash = "06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f" as BlockHash;

export const defaultFeatures = Features.of({
  option_anchors: "optional",
  zero_fee_commitments: "optional",
  option_shutdown_anysegwit: "optional",
  option_upfront_shutdown_script: "optional",
  option_scid_alias: "optional",
  option_zeroconf: "optional",
  option_support_large_channel: "optional",
});

export const defaultFeerates: ChannelFeerates = {
  maximumFeeEstimate: feeratePerKw(10_000),
  minAllowedAnchorChannelRemoteFee: feeratePerKw(253),
  minAllowedNonAnchorChannelRemoteFee: feeratePerKw(500),
  anchorChannelFee: feeratePerKw(1_000),
  nonAnchorChannelFee: feeratePerKw(2_500),
  channelCloseMinimum: feeratePerKw(400),
};

export function bytes32(fill: number): Uint8Array {
  return new Uint8Array(32).fill(fill);
}

export type SideName = "alice" | "bob";

export interface SideOptions {
  readonly config?: UserConfig;
  readonly features?: Features;
  readonly feerates?: ChannelFeerates;
}

type SideKeys = Pick<Side, "keys" | "signer" | "localKeys" | "shutdownScript" | "ctx">;

/** One end of the pair. Before its channel exists, its state is `ended`. */
export class Side {
  readonly name: SideName;
  readonly keys: KeysManager;
  readonly signer: ChannelSigner;
  readonly localKeys: LocalKeys;
  readonly shutdownScript: Script;
  ctx: ChannelContext;
  state: ChannelState = { kind: "ended" };
  /** Messages on their way to the peer. */
  outbox: LightningMessage[] = [];
  /** Everything that the channel has asked for so far. */
  readonly actions: ChannelAction[] = [];
  /** When true, the signer answers only when `Pair.answer` says so. */
  slowSigner = false;

  constructor(name: SideName, is: SideKeys) {
    this.name = name;
    this.keys = is.keys;
    this.signer = is.signer;
    this.localKeys = is.localKeys;
    this.shutdownScript = is.shutdownScript;
    this.ctx = is.ctx;
  }

  /** The funded channel; fails when there is none. */
  get channel(): FundedChannel {
    return present(fundedChannel(this.state), `${this.name}'s channel`);
  }

  get balance(): bigint {
    return present(this.channel.commitments.fundings[0], "a funding").localBalance;
  }

  actionsOf<K extends ChannelAction["kind"]>(kind: K): Extract<ChannelAction, { readonly kind: K }>[] {
    return this.actions.filter(
      (action): action is Extract<ChannelAction, { readonly kind: K }> => action.kind === kind,
    );
  }

  events<K extends Event["kind"]>(kind: K): Extract<Event, { readonly kind: K }>[] {
    return this.actionsOf("event").flatMap(({ event }) =>
      event.kind === kind ? [event as Extract<Event, { readonly kind: K }>] : [],
    );
  }
}

function keysOf(seed: number): Omit<SideKeys, "ctx"> {
  const keys = new KeysManager(bytes32(seed));
  const channelKeysId = bytes32(seed + 100);
  const signer = keys.deriveChannelSigner(channelKeysId);
  const point = (n: number) => signer.point(commitmentNumber(n));
  const { fundingKey, basepoints } = signer;
  return {
    keys,
    signer,
    localKeys: { channelKeysId, fundingKey, basepoints, points: [point(0), point(1), point(2)] },
    shutdownScript: p2wpkh(crypto().ripemd160(bytes32(seed))) as Script,
  };
}

/** The keys of every Alice and every Bob: deriving them takes longer than most tests. */
const keysBySide = { alice: keysOf(1), bob: keysOf(2) };

function newSide(name: SideName, options: SideOptions = {}): Side {
  const keys = keysBySide[name];
  return new Side(name, {
    ...keys,
    ctx: {
      ourNodeId: keys.keys.nodeId,
      ourFeatures: options.features ?? defaultFeatures,
      chainHash,
      bestHeight: startHeight,
      feerates: options.feerates ?? defaultFeerates,
      config: options.config ?? defaultUserConfig,
    },
  });
}

export interface PairOptions {
  readonly format?: FormatName;
  readonly formats?: readonly FormatName[];
  readonly funding?: Sat;
  readonly push?: bigint;
  readonly zeroConf?: boolean;
  /** Plain steps instead of driven ones: for long walks through what other tests drive. */
  readonly undriven?: boolean;
  readonly alice?: SideOptions;
  readonly bob?: SideOptions;
}

/** Alice opens, Bob accepts. */
export class Pair {
  readonly alice: Side;
  readonly bob: Side;
  readonly options: PairOptions;
  readonly funding: Sat;
  /** What was delivered, in its order. */
  readonly delivered: { readonly from: SideName; readonly message: LightningMessage }[] = [];
  /** Of every HTLC offered by `add`, by payment hash. */
  readonly preimages = new Map<PaymentHash, Bytes32>();
  fundingTransaction: Transaction | undefined;

  constructor(options: PairOptions = {}, sides?: Pick<Pair, SideName>) {
    this.options = options;
    this.funding = options.funding ?? sat(1_000_000);
    this.alice = sides?.alice ?? newSide("alice", options.alice);
    this.bob = sides?.bob ?? newSide("bob", options.bob);
  }

  /** A second pair in the same state, which goes its own way: channels are values. */
  fork(): Pair {
    const copy = (side: Side): Side => {
      const { state, outbox, slowSigner } = side;
      return Object.assign(new Side(side.name, side), { state, outbox: [...outbox], slowSigner });
    };
    const fork = new Pair(this.options, { alice: copy(this.alice), bob: copy(this.bob) });
    for (const [hash, preimage] of this.preimages) fork.preimages.set(hash, preimage);
    fork.fundingTransaction = this.fundingTransaction;
    return fork;
  }

  other(side: Side): Side {
    return side === this.alice ? this.bob : this.alice;
  }

  /** Lets the channel of `side` take one step, and its signer answer. */
  feed(side: Side, input: ChannelInput): readonly ChannelAction[] {
    const { state, actions } = this.options.undriven
      ? step(side.ctx, side.state, input)
      : drive({ ctx: side.ctx, state: side.state }, input);
    side.state = state;
    return this.perform(side, actions);
  }

  perform(side: Side, actions: readonly ChannelAction[]): readonly ChannelAction[] {
    const all = [...actions];
    side.actions.push(...actions);
    for (const action of actions) {
      if (action.kind === "send") side.outbox.push(action.message);
      if (action.kind === "request-signature" && !side.slowSigner) all.push(...this.answer(side));
    }
    return all;
  }

  /** The signer of `side` answers what it was asked. */
  answer(side: Side): readonly ChannelAction[] {
    if (side.state.kind !== "awaiting-signer") throw new Error(`${side.name}'s signer was not asked`);
    const answer = present(side.signer.sign(side.state.request), "an answer");
    return this.feed(side, { kind: "signed", answer });
  }

  command(side: Side, command: ChannelCommand): readonly ChannelAction[] {
    return this.feed(side, { kind: "command", command });
  }

  /** Gives `message` to `side` as it would come over the wire. */
  receive(side: Side, message: LightningMessage): readonly ChannelAction[] {
    const decoded = decodeMessage(encodeMessage(message));
    if (decoded.type === "unknown") throw new Error("a message of no known type");
    if (decoded.type !== "channel_reestablish") return this.feed(side, { kind: "message", message: decoded });
    const ourPoint = this.#shownPoint(side, decoded);
    return this.feed(side, { kind: "message", message: decoded, ...(ourPoint && { ourPoint }) });
  }

  /** Delivers the next message that `from` sent; fails when it is not of the type expected. */
  deliver(from: Side, expected?: MessageType): readonly ChannelAction[] {
    const message = present(from.outbox.shift(), `a message of ${from.name}`);
    if (expected !== undefined && message.type !== expected) {
      throw new Error(`${from.name} sent ${message.type}, not ${expected}`);
    }
    this.delivered.push({ from: from.name, message });
    return this.receive(this.other(from), message);
  }

  /**
   * Delivers everything, and lets both sides sign whatever there is to sign, until both are silent; at most `most`
   * messages. Where both have sent, the one of `first` goes first. Gives the number of messages.
   */
  exchange({ most = 1_000, first = "alice" }: { most?: number; first?: SideName } = {}): number {
    const inOrder = first === "alice" ? [this.alice, this.bob] : [this.bob, this.alice];
    let count = 0;
    this.sign();
    while (count < most) {
      const from = inOrder.find(({ outbox }) => outbox.length > 0);
      if (from === undefined) return count;
      this.deliver(from);
      count++;
      this.sign();
    }
    return count;
  }

  sign(): void {
    for (const side of [this.alice, this.bob]) this.command(side, { kind: "sign" });
  }

  /** `open_channel` is on its way. */
  start(): void {
    const { alice, bob, options } = this;
    const opened = openChannel(alice.ctx, {
      kind: "open",
      temporaryChannelId: toHex(bytes32(0x77)) as ChannelId,
      counterparty: bob.keys.nodeId,
      remoteFeatures: bob.ctx.ourFeatures,
      userChannelId: 11n,
      funding: this.funding,
      push: msat(options.push ?? 0n),
      formats: options.formats ?? [options.format ?? "anchors-zero-fee-htlc"],
      keys: alice.localKeys,
      localAlias: 0xa11cen as ShortChannelId,
      shutdownScript: alice.shutdownScript,
      config: alice.ctx.config,
    });
    if (!opened.ok) throw new Error(`refused: ${opened.error.code}`);
    alice.state = opened.value.state;
    this.perform(alice, opened.value.actions);
  }

  /** Bob gets `open_channel`. */
  deliverOpen(change: (open: OpenChannel) => OpenChannel = (open) => open): readonly ChannelAction[] {
    const { alice, bob } = this;
    const open = present(alice.outbox.shift(), "open_channel");
    if (open.type !== "open_channel") throw new Error(`alice sent ${open.type}`);
    const { state, actions } = receiveOpenChannel(
      bob.ctx,
      alice.keys.nodeId,
      alice.ctx.ourFeatures,
      change(open),
    );
    bob.state = state;
    return this.perform(bob, actions);
  }

  accept(): readonly ChannelAction[] {
    const { bob } = this;
    return this.command(bob, {
      kind: "accept",
      userChannelId: 22n,
      keys: bob.localKeys,
      localAlias: 0xb0bn as ShortChannelId,
      shutdownScript: bob.shutdownScript,
      zeroConf: this.options.zeroConf === true,
    });
  }

  fund(): readonly ChannelAction[] {
    const [event] = this.alice.events("funding-generation-ready");
    const script = present(event, "funding-generation-ready").outputScript;
    this.fundingTransaction = fundingTransactionOf([{ value: this.funding, script }]);
    return this.command(this.alice, { kind: "fund", transaction: this.fundingTransaction });
  }

  /** Both first commitments are signed; the funding waits for blocks. */
  openUnconfirmed(): this {
    this.start();
    this.deliverOpen();
    this.accept();
    this.deliver(this.bob, "accept_channel");
    this.fund();
    this.deliver(this.alice, "funding_created");
    this.deliver(this.bob, "funding_signed");
    return this;
  }

  /** A channel in use. */
  open(): this {
    this.openUnconfirmed();
    this.confirmFunding();
    this.mine(5);
    this.exchange();
    return this;
  }

  /** The funding transaction is in the next block. */
  confirmFunding(transaction: Transaction = present(this.fundingTransaction, "a funding transaction")): void {
    const height = this.alice.ctx.bestHeight + 1;
    for (const side of [this.alice, this.bob]) {
      side.ctx = { ...side.ctx, bestHeight: height };
      this.feed(side, { kind: "funding-confirmed", transaction, height, blockHash, txIndex: 7 });
      this.feed(side, { kind: "new-block" });
    }
  }

  mine(blocks: number): void {
    for (let i = 0; i < blocks; i++) {
      for (const side of [this.alice, this.bob]) {
        side.ctx = { ...side.ctx, bestHeight: side.ctx.bestHeight + 1 };
        this.feed(side, { kind: "new-block" });
      }
    }
  }

  /** The connection breaks: what is on its way is lost. */
  disconnect(): void {
    for (const side of [this.alice, this.bob]) {
      side.outbox = [];
      this.feed(side, { kind: "disconnected" });
      side.outbox = [];
    }
  }

  reconnect(): void {
    for (const side of [this.alice, this.bob]) {
      this.feed(side, { kind: "connected", remoteFeatures: this.other(side).ctx.ourFeatures });
    }
  }

  /** `side` offers an HTLC whose preimage is `preimageOf` its number; gives its id. */
  add(side: Side, amount: bigint, change: Partial<HtlcToSend> = {}): TestHtlc {
    const preimage = preimageOf(this.preimages.size + 1);
    this.preimages.set(hashOf(preimage), preimage);
    const id = side.channel.commitments.nextLocalHtlcId;
    const htlc = htlcToSend(amount, preimage, change);
    const actions = this.command(side, { kind: "add-htlc", htlc });
    const refused = actions.find((action) => action.kind === "refused");
    if (refused?.kind === "refused") throw new Error(`refused: ${refused.refusal.code}`);
    return { from: side, id, preimage };
  }

  fulfill({ from, id, preimage }: TestHtlc): readonly ChannelAction[] {
    return this.resolve(this.other(from), id, { kind: "fulfill", preimage });
  }

  fail({ from, id }: TestHtlc): readonly ChannelAction[] {
    return this.resolve(this.other(from), id, { kind: "fail", reason: bytes32(9) });
  }

  resolve(side: Side, htlcId: bigint, resolution: Resolution): readonly ChannelAction[] {
    return this.command(side, { kind: "resolve-htlc", htlcId, resolution, monitor: undefined });
  }

  shutdown(side: Side, script: Script = side.shutdownScript): readonly ChannelAction[] {
    return this.command(side, { kind: "shutdown", script, feerate: undefined });
  }

  #shownPoint(side: Side, message: ChannelReestablish) {
    const shown = message.nextRevocationNumber - 1n;
    return shown >= 0n && shown < 1n << 48n ? side.signer.point(commitmentNumber(Number(shown))) : undefined;
  }
}

export interface TestHtlc {
  readonly from: Side;
  readonly id: bigint;
  readonly preimage: Bytes32;
}

export const blockHash = toHex(bytes32(0xbb)) as BlockHash;

export function preimageOf(number: number): Bytes32 {
  return crypto().sha256(Uint8Array.of(number & 0xff, number >> 8)) as Bytes32;
}

export function hashOf(preimage: Uint8Array): PaymentHash {
  return paymentHashOf(crypto().sha256(preimage));
}

export function htlcToSend(
  amount: bigint,
  preimage: Uint8Array,
  change: Partial<HtlcToSend> = {},
): HtlcToSend {
  return {
    amount: msat(amount),
    paymentHash: hashOf(preimage),
    cltvExpiry: startHeight + 500,
    onion: new Uint8Array(1366),
    source: {
      kind: "local",
      paymentId: toHex(bytes32(1)) as PaymentId,
      sessionKey: bytes32(1),
      path: [],
      amount: msat(amount),
    },
    ...change,
  };
}

/** A transaction with these outputs and one input that is signed by witness. */
export function fundingTransactionOf(outputs: Transaction["outputs"]): Transaction {
  const outPoint = { txid: toHex(bytes32(0xcc)) as Txid, index: 0 };
  const witness = [bytes32(1)];
  return {
    version: 2,
    inputs: [{ outPoint, scriptSig: noBytes, sequence: 0xffff_ffff, witness }],
    outputs,
    locktime: 0,
  };
}

/** The code of the refusal among `actions`, if there is one. */
export function refusalIn(actions: readonly ChannelAction[]): string | undefined {
  for (const action of actions) if (action.kind === "refused") return action.refusal.code;
  return undefined;
}

/** The text of the `error` or `warning` among `actions`, up to the colon: the code. */
export function complaintIn(actions: readonly ChannelAction[]): string | undefined {
  for (const action of actions) {
    if (action.kind !== "send") continue;
    const { message } = action;
    if (message.type !== "error" && message.type !== "warning") continue;
    const text = String.fromCharCode(...message.data);
    return `${message.type} ${text.split(":")[0]}`;
  }
  return undefined;
}

/** Gives pairs that are open, each its own: the opening is done once. */
export function openPairs(options: PairOptions = {}): () => Pair {
  let opened: Pair | undefined;
  return () => {
    opened ??= new Pair(options).open();
    return opened.fork();
  };
}
