import type { Point, Script } from "../util/bytes.ts";
import type { Msat, Sat } from "../util/units.ts";

/** Which shape the commitment transactions have; fixed by the channel type when the channel opens. */
export type FormatName = "static-remotekey" | "anchors-zero-fee-htlc" | "zero-fee-commitments";

/** The points of BOLT 3, "Key Derivation", from which the keys of every commitment follow. */
export interface Basepoints {
  readonly revocation: Point;
  readonly payment: Point;
  readonly delayedPayment: Point;
  readonly htlc: Point;
}

/**
 * What one party said in its `open_channel` or `accept_channel` (BOLT 2). Mind whom each limit binds: `dustLimit` is
 * for the party's own commitment; all others bind the *other* party.
 */
export interface PartyParams {
  /** Outputs below it are trimmed from this party's commitment. */
  readonly dustLimit: Sat;
  /** Cap on the HTLCs in flight that the other party offers. */
  readonly maxHtlcValueInFlight: Msat;
  /** What the other party must keep. */
  readonly channelReserve: Sat;
  /** Smallest HTLC that the other party may offer. */
  readonly htlcMinimum: Msat;
  /** Blocks that the other party's own outputs are delayed on its commitment. */
  readonly toSelfDelay: number;
  /** How many HTLCs the other party may offer at once, at most `CommitmentFormat.maxAcceptedHtlcs`. */
  readonly maxAcceptedHtlcs: number;
  readonly basepoints: Basepoints;
  /** Committed to at the opening; the only script to which this party may close. */
  readonly upfrontShutdownScript?: Script;
}

/** What stays the same as long as the channel lives. */
export interface ChannelParams {
  readonly format: FormatName;
  /** Whether we opened the channel: the opener pays the commitment's fee and the anchors, where the format has them. */
  readonly isOpener: boolean;
  readonly local: PartyParams;
  readonly remote: PartyParams;
}
