import { deepEqual, equal, ok } from "node:assert/strict";
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
import type { Htlc, HtlcRemoval } from "#src/commitment/htlc";
import { type CommitmentKeys, commitmentKeys, type Side } from "#src/commitment/keys";
import {
  acceptIncomingHtlc,
  checkIncomingAdd,
  checkIncomingFee,
  checkOutgoingAdd,
  checkOutgoingFee,
  type LimitsContext,
  sendingState,
} from "#src/commitment/limits";
import type { ChannelParams } from "#src/commitment/params";
import { type CommitmentSpec, specOf } from "#src/commitment/spec";
import { perCommitmentPoint } from "#src/crypto/keyDerivation";
import { commitmentSecret, emptyShachain } from "#src/crypto/shachain";
import type { Bytes32, Point } from "#src/util/bytes";
import {
  type ChannelId,
  type CommitmentNumber,
  commitmentNumber,
  htlcId,
  type PaymentHash,
  type Txid,
} from "#src/util/ids";
import { type FeeratePerKw, feeratePerKw, type Msat, msat, satToMsat, sum } from "#src/util/units";
import { funding, point } from "./bolt3Fixtures.ts";

type Message =
  | {
      readonly kind: "add";
      readonly amount: Msat;
      readonly paymentHash: PaymentHash;
      readonly cltvExpiry: number;
    }
  | { readonly kind: "remove"; readonly id: bigint; readonly removal: HtlcRemoval }
  | { readonly kind: "fee"; readonly feerate: FeeratePerKw }
  | { readonly kind: "sign"; readonly number: CommitmentNumber; readonly built: readonly BuiltCommitment[] }
  | { readonly kind: "revoke"; readonly secret: Bytes32; readonly nextPoint: Point };

const anyTxid = "00".repeat(32) as Txid;

/** One end of a channel without channel state: it sends, receives, signs and revokes, and checks what it sees. */
export class Party {
  commitments: Commitments;
  readonly ctx: LimitsContext;
  readonly inbox: Message[] = [];
  readonly seed: Uint8Array;
  readonly keys: Readonly<Record<Side, CommitmentKeys>>;
  peer: Party | undefined;

  constructor(commitments: Commitments, seed: Uint8Array, ctx: LimitsContext) {
    this.commitments = commitments;
    this.seed = seed;
    this.ctx = ctx;
    // All commitments use the keys of one point, to save time.
    const at = point("localPerCommitmentPoint");
    const { params } = commitments;
    this.keys = { local: commitmentKeys(params, "local", at), remote: commitmentKeys(params, "remote", at) };
  }

  /** Whether the HTLC kept the limits and was sent. */
  add(amount: Msat, paymentHash: PaymentHash, cltvExpiry: number): boolean {
    const htlc = { amount, paymentHash, cltvExpiry };
    if (checkOutgoingAdd(this.commitments, htlc, this.ctx) !== undefined) return false;
    this.commitments = addHtlc(this.commitments, "outgoing", htlc);
    this.send({ kind: "add", ...htlc });
    return true;
  }

  setFeerate(feerate: FeeratePerKw): boolean {
    if (checkOutgoingFee(this.commitments, feerate, this.ctx) !== undefined) return false;
    this.commitments = updateFee(this.commitments, feerate);
    this.send({ kind: "fee", feerate });
    return true;
  }

  removable(): readonly Htlc[] {
    return this.commitments.htlcs.filter((htlc) => htlc.direction === "incoming" && isRemovable(htlc));
  }

  remove(htlc: Htlc, fulfill: boolean): void {
    const removal: HtlcRemoval = fulfill
      ? { kind: "fulfill", preimage: new Uint8Array(32) as Bytes32 }
      : { kind: "fail", reason: new Uint8Array(0) };
    this.commitments = removeHtlc(this.commitments, htlc, removal);
    this.send({ kind: "remove", id: htlc.id, removal });
  }

  canSign(): boolean {
    return this.commitments.remoteNext === undefined && hasChangesToSign(this.commitments);
  }

  sign(): void {
    const number = nextRemoteNumber(this.commitments);
    const specs = this.specs("remote", "next");
    const built = this.build("remote", number, specs);
    const txids = built.map(({ txid }) => txid);
    this.commitments = commitmentSent(this.commitments, txids).commitments;
    deepEqual(this.specs("remote", number), specs);
    this.send({ kind: "sign", number, built });
  }

  /** Takes the oldest message. */
  receive(): void {
    const message = this.inbox.shift();
    switch (message?.kind) {
      case undefined:
        return;
      case "add":
        this.commitments = addHtlc(this.commitments, "incoming", message);
        equal(checkIncomingAdd(this.commitments), undefined);
        return;
      case "remove": {
        const htlc = findHtlc(this.commitments, "outgoing", message.id);
        if (htlc === undefined) throw new Error("unknown HTLC removed");
        this.commitments = removeHtlc(this.commitments, htlc, message.removal);
        return;
      }
      case "fee": {
        const bounds = { minimum: feeratePerKw(1) };
        const refused = checkIncomingFee(this.commitments, message.feerate, { ...this.ctx, bounds });
        if (refused?.kind !== "dust-exposure") equal(refused, undefined);
        this.commitments = updateFee(this.commitments, message.feerate);
        return;
      }
      case "sign":
        this.receiveSignature(message.number, message.built);
        return;
      case "revoke": {
        const step = revocationReceived(this.commitments, message.secret, message.nextPoint);
        if (!step.ok) throw new Error(step.error);
        this.commitments = step.value.commitments;
        for (const htlc of step.value.added) this.accepts(htlc);
      }
    }
  }

  /**
   * What `acceptIncomingHtlc` says must be a verdict and nothing else: it is taken on an HTLC that is there to stay.
   */
  private accepts(htlc: Htlc): boolean {
    return acceptIncomingHtlc(sendingState(this.commitments, this.ctx), htlc) === undefined;
  }

  private receiveSignature(number: CommitmentNumber, theirs: readonly BuiltCommitment[]): void {
    equal(number, nextLocalNumber(this.commitments));
    const specs = this.specs("local", "next");
    const built = this.build("local", number, specs);
    deepEqual(
      built.map(({ transaction }) => transaction),
      theirs.map(({ transaction }) => transaction),
    );
    this.commitments = commitmentReceived(this.commitments).commitments;
    deepEqual(this.specs("local", number), specs);
    const secret = commitmentSecret(this.seed, commitmentNumber(number - 1));
    this.commitments = revocationSent(this.commitments, pointAt(this.seed, number + 2)).commitments;
    deepEqual(this.specs("local", number), specs);
    this.send({ kind: "revoke", secret, nextPoint: pointAt(this.seed, number + 1) });
  }

  protected send(message: Message): void {
    this.peer?.inbox.push(message);
  }

  private specs(side: Side, which: "next" | CommitmentNumber): readonly CommitmentSpec[] {
    return this.commitments.fundings.map((active) => {
      const { feerate, toLocal, toRemote, htlcs } = specOf(this.commitments, active, side, which);
      const bare = htlcs.map(({ direction, id, amount, paymentHash, cltvExpiry }) => {
        return { direction, id, amount, paymentHash, cltvExpiry };
      });
      equal(toLocal + toRemote + sum(bare.map(({ amount }) => amount)), satToMsat(active.capacity));
      return { feerate, toLocal, toRemote, htlcs: bare };
    });
  }

  private build(
    side: Side,
    number: CommitmentNumber,
    specs: readonly CommitmentSpec[],
  ): readonly BuiltCommitment[] {
    const { params, fundings } = this.commitments;
    return specs.map((spec, i) => {
      const active = fundings[i];
      if (active === undefined) throw new Error("no funding");
      const built = buildCommitment({ params, side, funding: active, number, keys: this.keys[side], spec });
      ok(built.transaction.outputs.length > 0, "a commitment without outputs");
      return built;
    });
  }
}

function pointAt(seed: Uint8Array, number: number): Point {
  return perCommitmentPoint(commitmentSecret(seed, commitmentNumber(number)));
}

export interface ChannelStart {
  readonly params: ChannelParams;
  readonly localBalance: Msat;
  readonly feerate: FeeratePerKw;
  /** Capacity and our balance of further active fundings, in sat more than the first one has. */
  readonly spliceIn?: bigint;
}

/** Commitments of a channel in which nothing happened yet. */
export function startOf(
  { params, localBalance, feerate, spliceIn }: ChannelStart,
  seeds: readonly [Uint8Array, Uint8Array],
): Commitments {
  const capacity = satToMsat(funding.capacity);
  const first = {
    ...funding,
    localBalance,
    remoteBalance: msat(capacity - localBalance),
  };
  const fundings = [first];
  if (spliceIn !== undefined) {
    fundings.push({
      ...first,
      outPoint: { txid: anyTxid, index: 1 },
      capacity: (first.capacity + spliceIn) as typeof first.capacity,
      localBalance: msat(first.localBalance + spliceIn * 1000n),
    });
  }
  const [ours, theirs] = seeds;
  return {
    channelId: "00".repeat(32) as ChannelId,
    params,
    fundings,
    htlcs: [],
    feerates: [
      { feerate, state: params.isOpener ? "sent-add-ack-revocation" : "received-add-ack-revocation" },
    ],
    localNumber: commitmentNumber(0),
    remoteNumber: commitmentNumber(0),
    localPoints: [pointAt(ours, 0), pointAt(ours, 1), pointAt(ours, 2)],
    remotePoint: pointAt(theirs, 0),
    remoteNextPoint: pointAt(theirs, 1),
    remoteSecrets: emptyShachain,
    nextLocalHtlcId: htlcId(0),
    nextRemoteHtlcId: htlcId(0),
  };
}

/** The same channel from the other side. */
export function mirrored(
  start: ChannelStart,
  commitments: Commitments,
  seeds: readonly [Uint8Array, Uint8Array],
): Commitments {
  const { params } = start;
  const theirs = { ...params, isOpener: !params.isOpener, local: params.remote, remote: params.local };
  const other = startOf({ ...start, params: theirs }, [seeds[1], seeds[0]]);
  return {
    ...other,
    fundings: commitments.fundings.map((active) => ({
      ...active,
      localKey: active.remoteKey,
      remoteKey: active.localKey,
      localBalance: active.remoteBalance,
      remoteBalance: active.localBalance,
    })),
  };
}
