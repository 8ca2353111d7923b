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
export interface TxAddInput extends TypeOf<typeof txAddInput> {}

export const txAddOutput = message(
  { type: "tx_add_output", number: 67, section: 'BOLT 2, "The tx_add_output Message"' },
  { channelId, serialId: u64, sats: sat64, script: varScript },
);
export interface TxAddOutput extends TypeOf<typeof txAddOutput> {}

export const txRemoveInput = message(
  {
    type: "tx_remove_input",
    number: 68,
    section: 'BOLT 2, "The tx_remove_input and tx_remove_output Messages"',
  },
  { channelId, serialId: u64 },
);
export interface TxRemoveInput extends TypeOf<typeof txRemoveInput> {}

export const txRemoveOutput = message(
  {
    type: "tx_remove_output",
    number: 69,
    section: 'BOLT 2, "The tx_remove_input and tx_remove_output Messages"',
  },
  { channelId, serialId: u64 },
);
export interface TxRemoveOutput extends TypeOf<typeof txRemoveOutput> {}

export const txComplete = message(
  { type: "tx_complete", number: 70, section: 'BOLT 2, "The tx_complete Message"' },
  { channelId },
);
export interface TxComplete extends TypeOf<typeof txComplete> {}

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
export interface TxSignatures extends TypeOf<typeof txSignatures> {}

const rbfRecords = {
  /** What the sender puts into the funding output: satoshis, below zero when a splice takes out. */
  fundingOutputContribution: { type: 0, codec: s64 },
  requireConfirmedInputs: { type: 2, codec: flag },
} as const;

export const txInitRbf = message(
  { type: "tx_init_rbf", number: 72, section: 'BOLT 2, "The tx_init_rbf Message"' },
  { channelId, locktime: u32, feerate: feerate32, tlvs: tlvs("tx_init_rbf_tlvs", rbfRecords) },
);
export interface TxInitRbf extends TypeOf<typeof txInitRbf> {}

export const txAckRbf = message(
  { type: "tx_ack_rbf", number: 73, section: 'BOLT 2, "The tx_ack_rbf Message"' },
  { channelId, tlvs: tlvs("tx_ack_rbf_tlvs", rbfRecords) },
);
export interface TxAckRbf extends TypeOf<typeof txAckRbf> {}

/** The negotiation is off; `data` is for people, unverified. */
export const txAbort = message(
  { type: "tx_abort", number: 74, section: 'BOLT 2, "The tx_abort Message"' },
  { channelId, data: varBytes },
);
export interface TxAbort extends TypeOf<typeof txAbort> {}
