import {
  array16,
  channelId,
  feerate32,
  flag,
  s64,
  sat64,
  signature,
  specAs,
  type TypeOf,
  tlvs,
  txid,
  u32,
  u64,
  varBytes,
  varScript,
} from "../codec/index.ts";
import { message } from "./message.ts";

/** Adds an input to the transaction under construction. */
export const txAddInput = message(
  { type: "tx_add_input", number: 66, section: 'BOLT 2, "The tx_add_input Message"' },
  {
    channelId,
    serialId: u64,
    /** The whole transaction whose output is spent; empty for the shared input of a splice. */
    prevtx: varBytes,
    prevtxVout: u32,
    sequence: u32,
    tlvs: tlvs("tx_add_input_tlvs", {
      /** The funding transaction that a splice spends. */
      sharedInputTxid: { type: 0, codec: txid },
    }),
  },
);
/** @ldk lightning::ln::msgs::TxAddInput */
export interface TxAddInput extends TypeOf<typeof txAddInput> {}

/** Adds an output to the transaction under construction. */
export const txAddOutput = message(
  { type: "tx_add_output", number: 67, section: 'BOLT 2, "The tx_add_output Message"' },
  { channelId, serialId: u64, sats: sat64, script: varScript },
);
/** @ldk lightning::ln::msgs::TxAddOutput */
export interface TxAddOutput extends TypeOf<typeof txAddOutput> {}

/** Takes back an input that the sender added. */
export const txRemoveInput = message(
  {
    type: "tx_remove_input",
    number: 68,
    section: 'BOLT 2, "The tx_remove_input and tx_remove_output Messages"',
  },
  { channelId, serialId: u64 },
);
/** @ldk lightning::ln::msgs::TxRemoveInput */
export interface TxRemoveInput extends TypeOf<typeof txRemoveInput> {}

/** Takes back an output that the sender added. */
export const txRemoveOutput = message(
  {
    type: "tx_remove_output",
    number: 69,
    section: 'BOLT 2, "The tx_remove_input and tx_remove_output Messages"',
  },
  { channelId, serialId: u64 },
);
/** @ldk lightning::ln::msgs::TxRemoveOutput */
export interface TxRemoveOutput extends TypeOf<typeof txRemoveOutput> {}

/** The sender has nothing to add; the second one in a row ends the construction. */
export const txComplete = message(
  { type: "tx_complete", number: 70, section: 'BOLT 2, "The tx_complete Message"' },
  { channelId },
);
/** @ldk lightning::ln::msgs::TxComplete */
export interface TxComplete extends TypeOf<typeof txComplete> {}

/** The witnesses of the sender's inputs: it can no longer stop the transaction. */
export const txSignatures = message(
  { type: "tx_signatures", number: 71, section: 'BOLT 2, "The tx_signatures Message"' },
  {
    channelId,
    txid,
    /** One for each of the sender's inputs, in the order of the transaction; each a serialised witness stack. */
    witnesses: array16(specAs("witness", varBytes)),
    tlvs: tlvs("tx_signatures_tlvs", {
      /** For the funding output that a splice spends. */
      sharedInputSignature: { type: 0, codec: signature },
    }),
  },
);
/** @ldk lightning::ln::msgs::TxSignatures */
export interface TxSignatures extends TypeOf<typeof txSignatures> {}

const rbfRecords = {
  /** What the sender puts into the funding output: satoshis, below zero when a splice takes out. */
  fundingOutputContribution: { type: 0, codec: s64 },
  requireConfirmedInputs: { type: 2, codec: flag },
} as const;

/** Asks to replace the unconfirmed funding transaction by one of a higher feerate. */
export const txInitRbf = message(
  { type: "tx_init_rbf", number: 72, section: 'BOLT 2, "The tx_init_rbf Message"' },
  { channelId, locktime: u32, feerate: feerate32, tlvs: tlvs("tx_init_rbf_tlvs", rbfRecords) },
);
/** @ldk lightning::ln::msgs::TxInitRbf */
export interface TxInitRbf extends TypeOf<typeof txInitRbf> {}

/** Agrees to `tx_init_rbf`. */
export const txAckRbf = message(
  { type: "tx_ack_rbf", number: 73, section: 'BOLT 2, "The tx_ack_rbf Message"' },
  { channelId, tlvs: tlvs("tx_ack_rbf_tlvs", rbfRecords) },
);
/** @ldk lightning::ln::msgs::TxAckRbf */
export interface TxAckRbf extends TypeOf<typeof txAckRbf> {}

/** The negotiation is off; `data` is for people, unverified. */
export const txAbort = message(
  { type: "tx_abort", number: 74, section: 'BOLT 2, "The tx_abort Message"' },
  { channelId, data: varBytes },
);
/** @ldk lightning::ln::msgs::TxAbort */
export interface TxAbort extends TypeOf<typeof txAbort> {}
