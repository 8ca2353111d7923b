export * from "./close.ts";
export * from "./commitment.ts";
export * from "./gossip.ts";
export * from "./interactiveTx.ts";
export type { MessageCodec, MessageHead, MessageValue } from "./message.ts";
export * from "./onionMessage.ts";
export * from "./open.ts";
export {
  type DecodedMessage,
  decodeMessage,
  encodeMessage,
  type LightningMessage,
  type MessageDeclaration,
  type MessageType,
  maxMessageBytes,
  messages,
  typeNumberOf,
  type UnknownMessage,
} from "./registry.ts";
export * from "./setup.ts";
export * from "./splice.ts";
