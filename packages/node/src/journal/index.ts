export { Journal } from "./journal.ts";
export type { JournalTransaction } from "./journalTransaction.ts";
export {
  backupKey,
  bookedKey,
  bookedPrefix,
  channelPrefix,
  entryPrefix,
  eventPrefix,
  headersKey,
  numbered,
  openPrefix,
  paymentIdKey,
  paymentKey,
  paymentPrefix,
  peerPrefix,
} from "./keys.ts";
export { decodeRow, encodeRow } from "./rowCodec.ts";
