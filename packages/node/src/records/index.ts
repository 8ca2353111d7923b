export { nodeEventOf } from "./nodeEvents.ts";
export {
  type ChannelNote,
  channelNote,
  noteChannel,
  type OpeningFacts,
  recordLedger,
} from "./recordLedger.ts";
export { recordPayment } from "./recordPayment.ts";
