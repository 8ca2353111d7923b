import { defaultUserConfig } from "#src/channel/config";
import type { Disposition, HtlcSource, Resolution } from "#src/channel/disposition";
import { forgetUnsignedUpdates } from "#src/channel/ops/reestablish";
import { type ChannelState, type FundedChannel, fundedChannel, nothingExchanged } from "#src/channel/state";
import { type BuiltCommitment, buildCommitment } from "#src/commitment/build";
import type { Commitments } from "#src/commitment/commitments";
import {
  addHtlc,
  commitmentReceived,
  commitmentSent,
  findHtlc,
  hasChangesToSign,
  isRemovable,
  nextLocalNumber,
  nextRemoteNumber,
  removeHtlc,
  revocationReceived,
  revocationSent,
  updateFee,
} from "#src/commitment/dance";
import { formatOf } from "#src/commitment/formats/formatOf";
import type { Htlc, HtlcRemoval } from "#src/commitment/htlc";
import { htlcStates } from "#src/commitment/htlcState";
import { commitmentKeys, type Side } from "#src/commitment/keys";
import type { ChannelParams, FormatName, PartyParams } from "#src/commitment/params";
import { type SpecHtlc, specOf } from "#src/commitment/spec";
import { emptyShachain } from "#src/crypto/shachain";
import type { InMemorySigner } from "#src/sign/inMemorySigner";
import { KeysManager } from "#src/sign/keysManager";
import { channelWrites } from "#src/storage/v1/channel";
import { type Bytes32, fromHex, type Point, type Script, type Signature } from "#src/util/bytes";
import {
  type BlockHash,
  type ChannelId,
  type CommitmentNumber,
  channelIdFromOutPoint,
  commitmentNumber,
  htlcId,
  type NodeId,
  type PaymentId,
  paymentHashOf,
  type ShortChannelId,
  type Txid,
} from "#src/util/ids";
import { feeratePerKw, msat, sat, satToMsat } from "#src/util/units";
import { Features } from "#src/wire/features";

/** Numbers that look random and are the same in every run. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0..sides-1 */
  roll(sides: number): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * sides);
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.roll(256));
  }

  bytes32(): Bytes32 {
    return this.bytes(32) as Bytes32;
  }
}

type Message =
  | { readonly kind: "add"; readonly htlc: Pick<Htlc, "amount" | "paymentHash" | "cltvExpiry"> }
  | { readonly kind: "remove"; readonly id: bigint; readonly removal: HtlcRemoval }
  | { readonly kind: "fee"; readonly feerate: bigint }
  | { readonly kind: "sign"; readonly built: BuiltCommitment }
  | { readonly kind: "revoke"; readonly secret: Bytes32; readonly nextPoint: Point };

/** A commitment that its owner revoked, as the owner had it. */
export interface Revoked {
  readonly number: CommitmentNumber;
  readonly built: BuiltCommitment;
  /** Keys, in the view of the owner. */
  readonly htlcs: readonly SpecHtlc[];
}

/** One end of a channel: it dances, and writes what the storage layer says into a map. */
export class StoredParty {
  state: ChannelState;
  readonly signer: InMemorySigner;
  readonly inbox: Message[] = [];
  readonly store = new Map<string, Uint8Array>();
  readonly revoked: Revoked[] = [];
  #written: ChannelState | undefined;
  #left: Htlc[] = [];
  #current: Revoked | undefined;
  #peer: StoredParty | undefined;
  readonly #dice: Dice;

  constructor(state: ChannelState, signer: InMemorySigner, dice: Dice) {
    this.state = state;
    this.signer = signer;
    this.#dice = dice;
    this.#current = {
      number: commitmentNumber(0),
      built: this.#build("local", commitmentNumber(0)),
      htlcs: [],
    };
  }

  meet(peer: StoredParty): void {
    this.#peer = peer;
  }

  get channel(): FundedChannel {
    const channel = fundedChannel(this.state);
    if (channel === undefined) throw new Error("not funded");
    return channel;
  }

  get commitments(): Commitments {
    return this.channel.commitments;
  }

  /** Brings the store to the present state; gives how many bytes were written. */
  persist(): number {
    let bytes = 0;
    for (const { key, value } of channelWrites(this.#written, this.state, this.#left)) {
      if (value === undefined) this.store.delete(key);
      else this.store.set(key, value);
      bytes += value?.length ?? 0;
    }
    this.#written = this.state;
    this.#left = [];
    return bytes;
  }

  /** Starts again with a state from the store. */
  restart(state: ChannelState): void {
    if (state.kind !== "offline") throw new Error(`read as ${state.kind}`);
    this.#written = state;
    this.state = state.inner;
  }

  add(): void {
    // Every fifth one is trimmed.
    const amount = this.#dice.roll(5) === 0 ? 300_000 : 1_000_000 + this.#dice.roll(4) * 500_000;
    const htlc = {
      amount: msat(amount),
      // Twins share a hash.
      paymentHash: paymentHashOf(new Uint8Array(32).fill(this.#dice.roll(5))),
      cltvExpiry: 500 + this.#dice.roll(3),
    };
    const id = this.commitments.nextLocalHtlcId;
    const onion = this.#dice.bytes(20);
    const outgoing = [...this.channel.outgoing, { id, source: this.#source(), onion }];
    this.#change({ commitments: addHtlc(this.commitments, "outgoing", htlc), outgoing });
    this.#send({ kind: "add", htlc });
  }

  setFeerate(): void {
    if (formatOf(this.commitments.params.format).feerateBasis === "none") return;
    const feerate = feeratePerKw(253 + this.#dice.roll(500));
    this.#change({ commitments: updateFee(this.commitments, feerate) });
    this.#send({ kind: "fee", feerate });
  }

  /** Decides some incoming HTLC, or notes the upstream update of an outgoing one. */
  decide(): void {
    const committed = this.commitments.htlcs.filter(({ state }) => htlcStates[state].addCommitted);
    const htlc = committed[this.#dice.roll(committed.length)];
    if (htlc === undefined) return;
    if (htlc.direction === "outgoing") {
      const upstream = { channelId: "77".repeat(32) as ChannelId, updateId: this.#dice.roll(100) };
      this.#change({
        outgoing: this.channel.outgoing.map((one) => (one.id === htlc.id ? { ...one, upstream } : one)),
      });
      return;
    }
    const dispositions: readonly Disposition[] = [
      {
        kind: "forwarded",
        outgoing: { channelId: "88".repeat(32) as ChannelId, htlcId: 5n },
        sharedSecret: this.#dice.bytes32(),
      },
      {
        kind: "claimable",
        sharedSecret: this.#dice.bytes32(),
        paymentSecret: this.#dice.bytes32(),
        totalAmount: htlc.amount,
        spontaneous: false,
      },
    ];
    this.#dispose(htlc.id, dispositions[this.#dice.roll(2)]);
  }

  removable(): readonly Htlc[] {
    return this.commitments.htlcs.filter((htlc) => htlc.direction === "incoming" && isRemovable(htlc));
  }

  remove(htlc: Htlc): void {
    const resolutions: readonly Resolution[] = [
      { kind: "fulfill", preimage: this.#dice.bytes32() },
      { kind: "fail", reason: this.#dice.bytes(292) },
      { kind: "fail-malformed", sha256OfOnion: this.#dice.bytes32(), failureCode: 0xc005 },
    ];
    const resolution = resolutions[this.#dice.roll(4) % 3];
    if (resolution === undefined) return;
    this.#dispose(htlc.id, { kind: "resolved", resolution });
    this.#change({ commitments: removeHtlc(this.commitments, htlc, resolution) });
    this.#send({ kind: "remove", id: htlc.id, removal: resolution });
  }

  canSign(): boolean {
    return this.commitments.remoteNext === undefined && hasChangesToSign(this.commitments);
  }

  sign(): void {
    const built = this.#build("remote", nextRemoteNumber(this.commitments));
    const step = commitmentSent(this.commitments, [built.txid]);
    this.#change({ commitments: step.commitments, lastUpdateId: this.channel.lastUpdateId + 1 });
    this.#send({ kind: "sign", built });
  }

  /** Takes the oldest message. */
  receive(): void {
    const message = this.inbox.shift();
    switch (message?.kind) {
      case undefined:
        return;
      case "add": {
        const id = this.commitments.nextRemoteHtlcId;
        const disposition: Disposition = { kind: "undecided", onion: this.#dice.bytes(20) };
        this.#change({
          commitments: addHtlc(this.commitments, "incoming", message.htlc),
          incoming: [...this.channel.incoming, { id, disposition }],
        });
        return;
      }
      case "remove": {
        const htlc = findHtlc(this.commitments, "outgoing", message.id);
        if (htlc === undefined) throw new Error("unknown HTLC removed");
        this.#change({ commitments: removeHtlc(this.commitments, htlc, message.removal) });
        return;
      }
      case "fee":
        this.#change({ commitments: updateFee(this.commitments, feeratePerKw(message.feerate)) });
        return;
      case "sign":
        this.#receiveSignature(message.built);
        return;
      case "revoke":
        this.#receiveRevocation(message);
        return;
    }
  }

  disconnect(): void {
    const { channel } = forgetUnsignedUpdates(this.channel);
    this.#change(channel);
  }

  #receiveSignature(theirs: BuiltCommitment): void {
    const number = nextLocalNumber(this.commitments);
    const built = this.#build("local", number);
    if (built.txid !== theirs.txid) throw new Error("the parties disagree");
    const received = commitmentReceived(this.commitments);
    const answer = this.signer.sign({
      kind: "revocation",
      number: commitmentNumber(number - 1),
      pointNumber: commitmentNumber(number + 2),
      next: [],
    });
    if (answer.kind !== "revocation") throw new Error("refused");
    const step = revocationSent(received.commitments, this.signer.point(commitmentNumber(number + 2)));
    if (this.#current !== undefined) this.revoked.push(this.#current);
    const htlcs = this.#specHtlcs(received.commitments, number);
    this.#current = { number, built, htlcs };
    const gone = new Set(step.removed.map(({ id }) => id as bigint));
    this.#left.push(...step.removed);
    this.#change({
      commitments: step.commitments,
      incoming: this.channel.incoming.filter(({ id }) => !gone.has(id)),
    });
    const nextPoint = this.signer.point(commitmentNumber(number + 1));
    this.#send({ kind: "revoke", secret: answer.secret as Bytes32, nextPoint });
  }

  #receiveRevocation({ secret, nextPoint }: Extract<Message, { kind: "revoke" }>): void {
    const step = revocationReceived(this.commitments, secret, nextPoint);
    if (!step.ok) throw new Error(step.error);
    const { commitments, removed } = step.value;
    const gone = new Set(removed.map(({ id }) => id as bigint));
    this.#left.push(...removed);
    this.#change({ commitments, outgoing: this.channel.outgoing.filter(({ id }) => !gone.has(id)) });
  }

  #specHtlcs(commitments: Commitments, number: CommitmentNumber): readonly SpecHtlc[] {
    const [active] = commitments.fundings;
    if (active === undefined) throw new Error("no funding");
    return specOf(commitments, active, "local", number).htlcs;
  }

  #build(side: Side, number: CommitmentNumber): BuiltCommitment {
    const { params, fundings, localPoints, remotePoint, remoteNextPoint } = this.commitments;
    const [active] = fundings;
    if (active === undefined) throw new Error("no funding");
    const first = number === 0;
    const remote = first ? remotePoint : remoteNextPoint;
    const point = side === "remote" ? remote : localPoints[first ? 0 : 1];
    if (point === undefined) throw new Error("no point");
    const spec = specOf(this.commitments, active, side, first ? number : "next");
    const keys = commitmentKeys(params, side, point);
    return buildCommitment({ params, side, funding: active, number, keys, spec });
  }

  #source(): HtlcSource {
    if (this.#dice.roll(2) === 0) {
      return {
        kind: "local",
        paymentId: "99".repeat(32) as PaymentId,
        sessionKey: this.#dice.bytes32(),
        path: [
          { nodeId: `02${"ab".repeat(32)}` as NodeId, shortChannelId: 1234n as ShortChannelId },
          { nodeId: `03${"cd".repeat(32)}` as NodeId, shortChannelId: 99_999_999_999n as ShortChannelId },
        ],
        amount: msat(999),
      };
    }
    return {
      kind: "forwarded",
      incoming: { channelId: "66".repeat(32) as ChannelId, htlcId: 7n },
      sharedSecret: this.#dice.bytes32(),
      incomingAmount: msat(123_456),
    };
  }

  #dispose(id: bigint, disposition: Disposition | undefined): void {
    if (disposition === undefined) return;
    this.#change({
      incoming: this.channel.incoming.map((one) => {
        return one.id === id && one.disposition.kind !== "resolved" ? { id, disposition } : one;
      }),
    });
  }

  #change(change: Partial<FundedChannel>): void {
    this.state = { kind: "normal", channel: { ...this.channel, ...change } };
  }

  #send(message: Message): void {
    this.#peer?.inbox.push(message);
  }
}

const capacity = sat(1_000_000);
const funding = { txid: "ab".repeat(32) as Txid, index: 1 };

function party({ basepoints }: InMemorySigner, dustLimit: number): PartyParams {
  return {
    dustLimit: sat(dustLimit),
    maxHtlcValueInFlight: msat(10n ** 9n),
    channelReserve: sat(10_000),
    htlcMinimum: msat(1),
    toSelfDelay: 144,
    maxAcceptedHtlcs: 483,
    basepoints,
  };
}

/** A funded channel in which nothing has happened, as `signer`'s side has it. */
function newChannel(
  format: FormatName,
  signers: readonly [InMemorySigner, InMemorySigner],
  isOpener: boolean,
): FundedChannel {
  const [ours, theirs] = signers;
  const params: ChannelParams = {
    format,
    isOpener,
    local: {
      ...party(ours, isOpener ? 354 : 546),
      ...(isOpener && { upfrontShutdownScript: fromHex("0014".padEnd(44, "a")) as Script }),
    },
    remote: party(theirs, isOpener ? 546 : 354),
  };
  const zero = commitmentNumber(0);
  const half = satToMsat(sat(500_000));
  return {
    identity: {
      counterparty: `02${"ef".repeat(32)}` as NodeId,
      userChannelId: 2n ** 100n + 5n,
      config: defaultUserConfig.channelConfig,
      announce: true,
      localAlias: 4_242n as ShortChannelId,
      scidPrivacy: false,
      shutdownScript: fromHex("0014".padEnd(44, "b")) as Script,
      remoteFeatures: Features.ofBits([9, 14, 23]),
    },
    channelKeysId: new Uint8Array(32).fill(isOpener ? 3 : 4),
    temporaryChannelId: "55".repeat(32) as ChannelId,
    commitments: {
      channelId: channelIdFromOutPoint(funding),
      params,
      fundings: [
        {
          outPoint: funding,
          capacity,
          localKey: ours.fundingKey,
          remoteKey: theirs.fundingKey,
          localBalance: half,
          remoteBalance: half,
        },
      ],
      htlcs: [],
      feerates: [
        {
          feerate: feeratePerKw(formatOf(format).feerateBasis === "none" ? 0 : 500),
          state: isOpener ? "sent-add-ack-revocation" : "received-add-ack-revocation",
        },
      ],
      localNumber: zero,
      remoteNumber: zero,
      localPoints: [ours.point(zero), ours.point(commitmentNumber(1)), ours.point(commitmentNumber(2))],
      remotePoint: theirs.point(zero),
      remoteNextPoint: theirs.point(commitmentNumber(1)),
      remoteSecrets: emptyShachain,
      nextLocalHtlcId: htlcId(0),
      nextRemoteHtlcId: htlcId(0),
    },
    minimumDepth: 6,
    fundingStatus: { kind: "confirmed", height: 120, blockHash: "0c".repeat(32) as BlockHash, txIndex: 3 },
    localReady: true,
    remoteReady: true,
    remoteAlias: 77n as ShortChannelId,
    announcementSignatures: {
      local: {
        node: new Uint8Array(64).fill(1) as Signature,
        bitcoin: new Uint8Array(64).fill(2) as Signature,
      },
    },
    incoming: [],
    outgoing: [],
    lastUpdateId: 1,
    shutdown: {},
    exchanged: nothingExchanged,
  };
}

const signerOf = (seed: number, keysId: number): InMemorySigner =>
  new KeysManager(new Uint8Array(32).fill(seed)).deriveChannelSigner(new Uint8Array(32).fill(keysId));

/** Both ends of a new channel. */
export function storedPair(format: FormatName, dice: Dice): readonly [StoredParty, StoredParty] {
  const alice = signerOf(1, 3);
  const bob = signerOf(2, 4);
  const ends = [
    new StoredParty({ kind: "normal", channel: newChannel(format, [alice, bob], true) }, alice, dice),
    new StoredParty({ kind: "normal", channel: newChannel(format, [bob, alice], false) }, bob, dice),
  ] as const;
  ends[0].meet(ends[1]);
  ends[1].meet(ends[0]);
  return ends;
}

/** One random action of one end. */
export function randomStep([alice, bob]: readonly [StoredParty, StoredParty], dice: Dice): StoredParty {
  const actor = dice.roll(2) === 0 ? alice : bob;
  switch (dice.roll(12)) {
    case 0:
    case 1:
      if (actor.commitments.htlcs.length < 12) actor.add();
      break;
    case 2:
    case 3: {
      const removable = actor.removable();
      const htlc = removable[dice.roll(removable.length)];
      if (htlc !== undefined) actor.remove(htlc);
      break;
    }
    case 4:
      if (dice.roll(4) === 0 && actor.commitments.params.isOpener) actor.setFeerate();
      else actor.decide();
      break;
    case 5:
    case 6:
    case 7:
      if (actor.canSign()) actor.sign();
      break;
    default:
      for (let messages = dice.roll(6); messages >= 0; messages--) actor.receive();
  }
  return actor;
}

/** Lets both ends talk until nothing is left to sign or to say. */
export function settle([alice, bob]: readonly [StoredParty, StoredParty]): void {
  for (let busy = true; busy; ) {
    busy = false;
    for (const end of [alice, bob]) {
      while (end.inbox.length > 0) {
        end.receive();
        busy = true;
      }
      if (end.canSign()) {
        end.sign();
        busy = true;
      }
    }
  }
}

/** A funded channel as its opener has it. */
export function channelExample(): FundedChannel {
  return newChannel("anchors-zero-fee-htlc", [signerOf(1, 3), signerOf(2, 4)], true);
}
