import type { FundedChannel } from "../../channel/state.ts";
import { array16 } from "../../codec/array.ts";
import type { Codec } from "../../codec/codec.ts";
import { DecodeError } from "../../codec/decodeError.ts";
import { bool, channelId, feerate32, htlcId, point, sat64, signature, txid } from "../../codec/primitives.ts";
import { struct } from "../../codec/struct.ts";
import type {
  ActiveFunding,
  Commitments,
  FeeUpdate,
  HtlcSignature,
  SignedCommitment,
} from "../../commitment/commitments.ts";
import type { FundingOutput } from "../../commitment/funding.ts";
import type { HtlcState } from "../../commitment/htlcState.ts";
import type { ShachainStore } from "../../crypto/shachain.ts";
import type { Point } from "../../util/bytes.ts";
import { commitmentNumber as commitmentNumberOf } from "../../util/ids.ts";
import { present } from "../../util/invariant.ts";
import { layout, nameOf, needed, nested, possible, record } from "./layouts.ts";
import { channelParams } from "./params.ts";
import { direction, outPoint, smallCommitmentNumber, smallCount, smallHtlcId, smallMsat } from "./values.ts";

/** The peer's signature for one HTLC of ours. */
export const htlcSignature: Codec<HtlcSignature> = struct("htlc_signature", {
  direction,
  id: htlcId,
  signature,
});

const fundingOutput: Codec<FundingOutput> = nested<FundingOutput>("funding_output", {
  outPoint: needed(0, outPoint),
  capacity: needed(2, sat64),
  localKey: needed(4, point),
  remoteKey: needed(6, point),
});

/** What an active funding has beside its output. */
type FundingBalances = Omit<ActiveFunding, keyof FundingOutput>;

const fundingBalances: Codec<FundingBalances> = nested<FundingBalances>("funding_balances", {
  localBalance: needed(0, smallMsat),
  remoteBalance: needed(2, smallMsat),
  remoteNextTxid: possible(4, txid),
});

/** Where a feerate stands in the dance. Those that no signature covers are not stored. */
const feeState: Codec<HtlcState> = nameOf<HtlcState>("fee_state", {
  "sent-add-htlc": 0,
  "sent-add-commit": 1,
  "received-add-revocation": 2,
  "received-add-ack-commit": 3,
  "sent-add-ack-revocation": 4,
  "received-remove-htlc": 5,
  "received-remove-commit": 6,
  "sent-remove-revocation": 7,
  "sent-remove-ack-commit": 8,
  "received-remove-ack-revocation": 9,
  "received-add-htlc": 10,
  "received-add-commit": 11,
  "sent-add-revocation": 12,
  "sent-add-ack-commit": 13,
  "received-add-ack-revocation": 14,
  "sent-remove-htlc": 15,
  "sent-remove-commit": 16,
  "received-remove-revocation": 17,
  "received-remove-ack-commit": 18,
  "sent-remove-ack-revocation": 19,
});

const feeUpdate: Codec<FeeUpdate> = struct("fee_update", { feerate: feerate32, state: feeState });

/** Its number is one more than that of the peer's commitment before it. */
const signedCommitment = nested<Omit<SignedCommitment, "number">>("signed_commitment", {
  feerate: needed(0, feerate32),
  revocationAfter: needed(2, bool),
});

const threePoints: Codec<readonly [Point, Point, Point]> = {
  spec: "3*point",
  size: 99,
  read: (reader) => [point.read(reader), point.read(reader), point.read(reader)],
  write(writer, value) {
    for (const one of value) point.write(writer, one);
  },
};

/** What never changes of both sides' commitments, but for the fundings. */
export interface StoredTerms extends Pick<Commitments, "channelId" | "params"> {
  readonly fundings: readonly FundingOutput[];
}

export const storedTerms: Codec<StoredTerms> = nested<StoredTerms>("commitment_terms", {
  channelId: needed(0, channelId),
  params: needed(2, channelParams),
  fundings: needed(4, array16(fundingOutput)),
});

/** What every step of the dance counts. */
interface Counts
  extends Pick<Commitments, "localNumber" | "remoteNumber" | "nextLocalHtlcId" | "nextRemoteHtlcId">,
    Pick<FundedChannel, "lastUpdateId"> {
  /** How many rows the HTLCs have: none may get lost. */
  readonly htlcRows: number;
}

type Uncounted = Omit<
  Commitments,
  keyof StoredTerms | keyof Counts | "htlcs" | "remoteSecrets" | "remoteNext"
>;

/** The record `channel/<id>/commitments`: what moves with every step of the dance, HTLCs and secrets apart. */
export interface StoredCommitments extends Uncounted {
  readonly counts: Counts;
  /** One for each of the core's fundings. */
  readonly balances: readonly FundingBalances[];
  readonly remoteNext?: Omit<SignedCommitment, "number">;
}

export const commitmentsRow: Codec<StoredCommitments> = record(
  layout<StoredCommitments>("channel_commitments", {
    counts: needed(
      0,
      struct("counts", {
        localNumber: smallCommitmentNumber,
        remoteNumber: smallCommitmentNumber,
        nextLocalHtlcId: smallHtlcId,
        nextRemoteHtlcId: smallHtlcId,
        lastUpdateId: smallCount,
        htlcRows: smallCount,
      }),
    ),
    balances: needed(2, array16(fundingBalances)),
    feerates: needed(4, array16(feeUpdate)),
    remoteNext: possible(6, signedCommitment),
    localPoints: needed(8, threePoints),
    remotePoint: needed(10, point),
    remoteNextPoint: possible(12, point),
  }),
);

/** What the row `commitments` has of a channel whose commitments are `from`. */
export function storedCommitments(
  from: Commitments,
  others: Pick<Counts, "lastUpdateId" | "htlcRows">,
): StoredCommitments {
  const { channelId: _, params: __, remoteSecrets: ___, htlcs: ____, fundings, remoteNext, ...rest } = from;
  const { localNumber, remoteNumber, nextLocalHtlcId, nextRemoteHtlcId, ...moving } = rest;
  const numbers = { localNumber, remoteNumber, nextLocalHtlcId, nextRemoteHtlcId };
  return {
    ...moving,
    counts: { ...numbers, ...others },
    balances: fundings,
    ...(remoteNext && { remoteNext }),
  };
}

/** Both sides' commitments without the HTLCs. Throws `DecodeError` on rows that do not belong together. */
export function commitmentsOf(
  { fundings: outputs, ...terms }: StoredTerms,
  { counts, balances, remoteNext, ...moving }: StoredCommitments,
  remoteSecrets: ShachainStore,
): Omit<Commitments, "htlcs"> {
  const { lastUpdateId: _, htlcRows: __, ...numbers } = counts;
  if (balances.length !== outputs.length) {
    throw new DecodeError(`balances of ${balances.length} fundings, not of ${outputs.length}`);
  }
  const isSigned = remoteNext !== undefined;
  if (balances.some(({ remoteNextTxid }) => (remoteNextTxid !== undefined) !== isSigned)) {
    throw new DecodeError("a commitment of the peer is signed for some of the fundings, or for none");
  }
  if (isSigned && moving.remoteNextPoint === undefined) {
    throw new DecodeError("a commitment of the peer is signed without a point");
  }
  const fundings = outputs.map((output, i) => ({ ...output, ...present(balances[i], "a balance") }));
  const number = commitmentNumberOf(counts.remoteNumber + 1);
  const signed = remoteNext && { remoteNext: { number, ...remoteNext } };
  return { ...terms, ...moving, ...numbers, fundings, remoteSecrets, ...signed };
}
