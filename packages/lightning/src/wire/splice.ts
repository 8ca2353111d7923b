import {
  bool,
  channelId,
  feerate32,
  flag,
  point,
  s64,
  type TypeOf,
  tlvs,
  txid,
  u32,
} from "../codec/index.ts";
import { message } from "./message.ts";

/** The sender sends no more updates: something fundamental ("SomeThing Fundamental is Underway") comes next. */
export const stfu = message(
  { type: "stfu", number: 2, section: 'BOLT 2, "Channel Quiescence"' },
  { channelId, initiator: bool },
);
/** @ldk lightning::ln::msgs::Stfu */
export interface Stfu extends TypeOf<typeof stfu> {}

/** Asks to replace the funding output of a quiescent channel by a larger or smaller one. */
export const spliceInit = message(
  { type: "splice_init", number: 80, section: 'BOLT 2, "The splice_init Message"' },
  {
    channelId,
    /** Satoshis that the sender adds to its balance, or takes out of it (below zero). */
    fundingContributionSatoshis: s64,
    fundingFeeratePerkw: feerate32,
    locktime: u32,
    fundingPubkey: point,
    tlvs: tlvs("splice_init_tlvs", { requireConfirmedInputs: { type: 2, codec: flag } }),
  },
);
/** @ldk lightning::ln::msgs::SpliceInit */
export interface SpliceInit extends TypeOf<typeof spliceInit> {}

/** Agrees to `splice_init`. */
export const spliceAck = message(
  { type: "splice_ack", number: 81, section: 'BOLT 2, "The splice_ack Message"' },
  {
    channelId,
    fundingContributionSatoshis: s64,
    fundingPubkey: point,
    tlvs: tlvs("splice_ack_tlvs", { requireConfirmedInputs: { type: 2, codec: flag } }),
  },
);
/** @ldk lightning::ln::msgs::SpliceAck */
export interface SpliceAck extends TypeOf<typeof spliceAck> {}

/** The splice transaction has the confirmations that the sender asks for. */
export const spliceLocked = message(
  { type: "splice_locked", number: 77, section: 'BOLT 2, "The splice_locked Message"' },
  { channelId, spliceTxid: txid },
);
/** @ldk lightning::ln::msgs::SpliceLocked */
export interface SpliceLocked extends TypeOf<typeof spliceLocked> {}
