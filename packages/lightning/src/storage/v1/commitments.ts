import { array16 } from "../../codec/array.ts";
import type { Codec } from "../../codec/codec.ts";
import {
  bool,
  bytes32,
  channelId,
  feerate32,
  htlcId,
  mapped,
  msat64,
  point,
  sat64,
  signature,
  txid,
} from "../../codec/primitives.ts";
import { struct } from "../../codec/struct.ts";
import type {
  ActiveFunding,
  Commitments,
  FeeUpdate,
  HtlcSignature,
  LocalCommitment,
  SignedCommitment,
} from "../../commitment/commitments.ts";
import type { HtlcState } from "../../commitment/htlcState.ts";
import type { ShachainEntry, ShachainStore } from "../../crypto/shachain.ts";
import type { Point } from "../../util/bytes.ts";
import { nameOf, needed, nested, possible } from "./layouts.ts";
import { channelParams } from "./params.ts";
import { commitmentNumber, count, direction, htlcKeyText, outPoint } from "./values.ts";

/** The peer's signature for one HTLC of ours. */
export const htlcSignature: Codec<HtlcSignature> = struct("htlc_signature", {
  direction,
  id: htlcId,
  signature,
});

const localCommitment: Codec<LocalCommitment> = struct("local_commitment", {
  txid,
  signature,
  htlcSignatures: array16(htlcSignature),
});

const activeFunding: Codec<ActiveFunding> = nested<ActiveFunding>("active_funding", {
  outPoint: needed(0, outPoint),
  capacity: needed(2, sat64),
  localKey: needed(4, point),
  remoteKey: needed(6, point),
  localBalance: needed(8, msat64),
  remoteBalance: needed(10, msat64),
  local: needed(12, localCommitment),
  remoteTxid: needed(14, txid),
  remoteNextTxid: possible(16, txid),
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

const signedCommitment: Codec<SignedCommitment> = nested<SignedCommitment>("signed_commitment", {
  number: needed(0, commitmentNumber),
  point: needed(2, point),
  feerate: needed(4, feerate32),
  htlcs: needed(6, array16(htlcKeyText)),
  revocationAfter: needed(8, bool),
});

/** A revealed secret and its place. */
export const shachainEntry: Codec<ShachainEntry> = struct("shachain_entry", {
  index: count,
  secret: bytes32,
});

/** The secrets that the peer revealed: at most 49 entries. */
const shachain: Codec<ShachainStore> = mapped("shachain", array16(shachainEntry), {
  decoded: (entries) => ({ entries }),
  encoded: ({ entries }) => entries,
});

const threePoints: Codec<readonly [Point, Point, Point]> = {
  spec: "3*point",
  size: 99,
  read: (reader) => [point.read(reader), point.read(reader), point.read(reader)],
  write(writer, value) {
    for (const one of value) point.write(writer, one);
  },
};

/** Both sides' commitments without the HTLC table, which has rows of its own. */
export const commitments: Codec<Omit<Commitments, "htlcs">> = nested<Omit<Commitments, "htlcs">>(
  "commitments",
  {
    channelId: needed(0, channelId),
    params: needed(2, channelParams),
    fundings: needed(4, array16(activeFunding)),
    feerates: needed(6, array16(feeUpdate)),
    localNumber: needed(8, commitmentNumber),
    remoteNumber: needed(10, commitmentNumber),
    remoteNext: possible(12, signedCommitment),
    localPoints: needed(14, threePoints),
    remotePoint: needed(16, point),
    remoteNextPoint: possible(18, point),
    remoteSecrets: needed(20, shachain),
    nextLocalHtlcId: needed(22, htlcId),
    nextRemoteHtlcId: needed(24, htlcId),
  },
);
