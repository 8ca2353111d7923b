import type {
  BlindedRole,
  Disposition,
  HtlcSource,
  Resolution,
  SentBlindedTail,
} from "../../channel/disposition.ts";
import { array16, many } from "../../codec/array.ts";
import type { Codec } from "../../codec/codec.ts";
import {
  bool,
  bytes,
  bytes32,
  channelId,
  flag,
  htlcId,
  msat64,
  paymentHash,
  point,
  rest,
  u16,
  u32,
} from "../../codec/primitives.ts";
import { struct } from "../../codec/struct.ts";
import type { HtlcInterval, HtlcRemoval } from "../../commitment/htlc.ts";
import type { SpecHtlc } from "../../commitment/spec.ts";
import type { UpdateRef } from "../../onchain/channelMonitorUpdate.ts";
import { attributionDataLength } from "../../onion/attribution.ts";
import type { Point } from "../../util/bytes.ts";
import type { CommitmentNumber } from "../../util/ids.ts";
import type { Msat } from "../../util/units.ts";
import { layout, nameOf, needed, nested, possible, record, sized, union } from "./layouts.ts";
import {
  count,
  direction,
  htlcRef,
  path,
  paymentId,
  smallCommitmentNumber,
  smallHtlcId,
  smallMsat,
  tlvRecords,
} from "./values.ts";

/** The members of a union as they are stored: `K` is in memory only. */
type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never;

/** What never changes of an HTLC. */
export const specHtlc: Codec<SpecHtlc> = struct("htlc", {
  direction,
  id: htlcId,
  amount: msat64,
  paymentHash,
  cltvExpiry: u32,
});

/** The same in few bytes. */
const smallHtlc: Codec<SpecHtlc> = struct("small_htlc", {
  direction,
  id: smallHtlcId,
  amount: smallMsat,
  paymentHash,
  cltvExpiry: u32,
});

const blindedRole: Codec<BlindedRole> = nameOf<BlindedRole>("blinded_role", { introduction: 0, inner: 1 });

const sentBlindedTail: Codec<SentBlindedTail> = nested<SentBlindedTail>("sent_blinded_tail", {
  index: possible(0, u16),
  nodeIds: needed(2, array16(point)),
});

const htlcSource: Codec<HtlcSource> = union<Without<HtlcSource, "sharedSecrets">>("htlc_source", {
  local: [
    0,
    {
      paymentId: needed(0, paymentId),
      sessionKey: needed(2, bytes32),
      path: needed(4, path),
      amount: needed(6, msat64),
      blindedTail: possible(8, sentBlindedTail),
    },
  ],
  forwarded: [
    1,
    {
      incoming: needed(0, htlcRef),
      sharedSecret: needed(2, bytes32),
      incomingAmount: needed(4, msat64),
      blinded: possible(6, blindedRole),
      skimmedFee: possible(8, msat64),
      onionInside: possible(10, flag),
    },
  ],
});

/** `static`: written when a signature first covers the HTLC. */
export interface HtlcStaticRow {
  readonly htlc: SpecHtlc;
  /** Who asked for an outgoing HTLC. */
  readonly source?: HtlcSource;
  /**
   * In which commitments it came first. An incoming one: in ours, and as soon as it is signed, in the peer's. An
   * outgoing one: in the peer's.
   */
  readonly localEntered?: CommitmentNumber;
  readonly remoteEntered?: CommitmentNumber;
}

export const htlcStaticRow: Codec<HtlcStaticRow> = record(
  layout<HtlcStaticRow>("htlc_static", {
    htlc: needed(0, smallHtlc),
    source: possible(2, htlcSource),
    localEntered: possible(4, smallCommitmentNumber),
    remoteEntered: possible(6, smallCommitmentNumber),
  }),
);

const attribution = bytes(attributionDataLength);

const failures = {
  fail: [1, { reason: needed(0, rest), attribution: possible(1, attribution) }],
  "fail-malformed": [2, { sha256OfOnion: needed(0, bytes32), failureCode: needed(2, u16) }],
} as const;

const removal: Codec<HtlcRemoval> = union<HtlcRemoval>("htlc_removal", {
  fulfill: [0, { preimage: needed(0, bytes32), attribution: possible(1, attribution) }],
  ...failures,
});

/** 920 bytes from downstream are not worth their place in the records of every payment. */
const resolution: Codec<Resolution> = union<Without<Resolution, "downstream">>("resolution", {
  fulfill: [
    0,
    {
      preimage: needed(0, bytes32),
      sharedSecret: possible(1, bytes32),
      holdTime: possible(3, u32),
    },
  ],
  ...failures,
});

/** An update of a monitor. */
export const updateRef: Codec<UpdateRef> = struct("update_ref", { channelId, updateId: count });

/**
 * `interval`: in which commitments an outgoing HTLC is, and from its first absence on, how it ended. Absent as long as
 * there is nothing but what `static` has.
 */
export interface HtlcIntervalRow {
  readonly localEntered?: CommitmentNumber;
  readonly localLeft?: CommitmentNumber;
  readonly remoteEntered?: CommitmentNumber;
  readonly remoteLeft?: CommitmentNumber;
  readonly removal?: HtlcRemoval;
  readonly upstream?: UpdateRef;
  readonly settledOnChain?: true;
}

export const htlcIntervalRow: Codec<HtlcIntervalRow> = record(
  layout<HtlcIntervalRow>("htlc_interval", {
    localEntered: possible(0, smallCommitmentNumber),
    localLeft: possible(2, smallCommitmentNumber),
    remoteEntered: possible(4, smallCommitmentNumber),
    remoteLeft: possible(6, smallCommitmentNumber),
    removal: possible(8, removal),
    upstream: possible(10, updateRef),
    settledOnChain: possible(12, flag),
  }),
);

type Decided = Exclude<Disposition, { readonly kind: "undecided" }>;
type Forwarded = Extract<Decided, { readonly kind: "forwarded" }>;

/** What an incoming HTLC was decided to be. The onion that is kept for the outgoing one has a row of its own. */
export type DecidedDisposition =
  | Exclude<Decided, Forwarded>
  | (Omit<Forwarded, "onion"> & { readonly keepsOnion?: true });

/**
 * `disposition`: what was decided about an incoming HTLC, and the commitments that it left for it. Absent as long as
 * the HTLC is undecided; its onion is there instead.
 */
export interface DispositionRow {
  readonly disposition: DecidedDisposition;
  readonly localLeft?: CommitmentNumber;
  readonly remoteLeft?: CommitmentNumber;
  /** How it left them, unless that is what the disposition says. */
  readonly removal?: HtlcRemoval;
}

export const dispositionRow: Codec<DispositionRow> = record(
  layout<DispositionRow>("htlc_disposition", {
    localLeft: possible(2, smallCommitmentNumber),
    remoteLeft: possible(4, smallCommitmentNumber),
    removal: possible(6, removal),
    disposition: needed(
      0,
      union<DecidedDisposition>("disposition", {
        forwarded: [
          0,
          {
            outgoing: needed(0, htlcRef),
            sharedSecret: needed(2, bytes32),
            blinded: possible(4, blindedRole),
            keepsOnion: possible(6, flag),
          },
        ],
        claimable: [
          1,
          {
            sharedSecret: needed(0, bytes32),
            paymentSecret: possible(2, bytes32),
            totalAmount: needed(4, msat64),
            preimage: possible(6, bytes32),
            spontaneous: needed(8, bool),
            phantomSharedSecret: possible(10, bytes32 as Codec<Uint8Array>),
            customTlvs: possible(12, tlvRecords),
            intendedAmount: possible(14, msat64),
            paymentMetadata: possible(16, rest),
            blinded: possible(18, blindedRole),
            trampolineSharedSecret: possible(20, bytes32 as Codec<Uint8Array>),
          },
        ],
        resolved: [2, { resolution: needed(0, resolution) }],
        intercepted: [
          3,
          {
            onion: needed(0, rest),
            skimmedFee: possible(2, msat64),
            pathKey: possible(4, point),
            forwardTo: possible(6, struct("forward_to", { channelId, amount: msat64 })),
          },
        ],
        trampoline: [
          4,
          {
            sharedSecret: needed(0, bytes32 as Codec<Uint8Array>),
            trampolineSharedSecret: needed(2, bytes32 as Codec<Uint8Array>),
            paymentSecret: possible(4, bytes32 as Codec<Uint8Array>),
            totalAmount: needed(6, msat64),
            intendedAmount: needed(8, msat64),
            payload: needed(10, rest),
            packet: possible(12, rest),
            blinded: possible(14, blindedRole),
            nextPathKey: possible(16, point),
          },
        ],
      }),
    ),
  }),
);

/**
 * `onion`: of an incoming HTLC until it is decided, and while the outgoing one needs it; of an outgoing one as long as
 * it may have to be sent again.
 */
export const onionRow: Codec<OnionRow> = record(
  layout<OnionRow>("htlc_onion", {
    onion: possible(0, rest),
    skimmedFee: possible(2, msat64),
    pathKey: possible(4, point),
    payloads: possible(6, many(sized(rest))),
  }),
);

/** There is an onion, or what ours was made of. */
export interface OnionRow {
  readonly onion?: Uint8Array;
  /** What each node of our path reads in it. */
  readonly payloads?: readonly Uint8Array[];
  /** What belongs to it when it is for a blinded id. */
  readonly pathKey?: Point;
  /** Of an incoming HTLC only. */
  readonly skimmedFee?: Msat;
}

/** `settled/...`: an HTLC that has left both sides' commitments for good, for the penalty if one of them comes back. */
export interface SettledRow {
  readonly htlc: SpecHtlc;
  readonly localEntered: CommitmentNumber;
  readonly localLeft: CommitmentNumber;
  readonly remoteEntered: CommitmentNumber;
  readonly remoteLeft: CommitmentNumber;
}

export const settledRow: Codec<SettledRow> = record(
  layout<SettledRow>("htlc_settled", {
    htlc: needed(0, smallHtlc),
    localEntered: needed(2, smallCommitmentNumber),
    localLeft: needed(4, smallCommitmentNumber),
    remoteEntered: needed(6, smallCommitmentNumber),
    remoteLeft: needed(8, smallCommitmentNumber),
  }),
);

/** How an HTLC that was resolved leaves the commitments. */
export function removalBy(resolution: Resolution): HtlcRemoval {
  switch (resolution.kind) {
    case "fulfill":
      return { kind: resolution.kind, preimage: resolution.preimage };
    case "fail":
      return { kind: resolution.kind, reason: resolution.reason };
    case "fail-malformed":
      return resolution;
  }
}

/** The interval of a row: absent bounds are absent keys. */
export function intervalOf(
  entered: CommitmentNumber | undefined,
  left: CommitmentNumber | undefined,
): HtlcInterval {
  return { ...(entered !== undefined && { entered }), ...(left !== undefined && { left }) };
}
