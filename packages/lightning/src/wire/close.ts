import { channelId, sat64, signature, struct, type TypeOf, tlvs, u32, varScript } from "../codec/index.ts";
import { message } from "./message.ts";

/** No new HTLCs; the channel closes to these scripts once the pending ones are gone. */
export const shutdown = message(
  { type: "shutdown", number: 38, section: 'BOLT 2, "Closing Initiation: shutdown"' },
  { channelId, scriptpubkey: varScript },
);
/** @ldk lightning::ln::msgs::Shutdown */
export interface Shutdown extends TypeOf<typeof shutdown> {}

/** The older negotiation, by fee ranges. */
export const closingSigned = message(
  { type: "closing_signed", number: 39, section: 'BOLT 2, "Legacy Closing Negotiation: closing_signed"' },
  {
    channelId,
    feeSatoshis: sat64,
    signature,
    tlvs: tlvs("closing_signed_tlvs", {
      feeRange: {
        type: 1,
        codec: struct("fee_range", { minFeeSatoshis: sat64, maxFeeSatoshis: sat64 }),
      },
    }),
  },
);
/** @ldk lightning::ln::msgs::ClosingSigned */
export interface ClosingSigned extends TypeOf<typeof closingSigned> {}

const closingFields = {
  channelId,
  closerScriptpubkey: varScript,
  closeeScriptpubkey: varScript,
  feeSatoshis: sat64,
  locktime: u32,
  /** Signatures for the transactions with one output or both. */
  tlvs: tlvs("closing_tlvs", {
    closerOutputOnly: { type: 1, codec: signature },
    closeeOutputOnly: { type: 2, codec: signature },
    closerAndCloseeOutputs: { type: 3, codec: signature },
  }),
} as const;

/** "Here is a closing transaction that I pay for." */
export const closingComplete = message(
  {
    type: "closing_complete",
    number: 40,
    section: 'BOLT 2, "Closing Negotiation: closing_complete and closing_sig"',
  },
  closingFields,
);
/** @ldk lightning::ln::msgs::ClosingComplete */
export interface ClosingComplete extends TypeOf<typeof closingComplete> {}

/** The answer to `closing_complete`: our signature for one of its transactions. */
export const closingSig = message(
  {
    type: "closing_sig",
    number: 41,
    section: 'BOLT 2, "Closing Negotiation: closing_complete and closing_sig"',
  },
  closingFields,
);
/** @ldk lightning::ln::msgs::ClosingSig */
export interface ClosingSig extends TypeOf<typeof closingSig> {}
