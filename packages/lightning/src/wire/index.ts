export { type DecodedAddresses, decodeAddresses, encodeAddresses, type SocketAddress } from "./address.ts";
export {
  type ChannelType,
  type CommitmentFormatName,
  decodeChannelType,
  encodeChannelType,
  sameChannelType,
} from "./channelType.ts";
export * from "./close.ts";
export * from "./commitment.ts";
export * from "./encodedArrays.ts";
export * from "./failureCodes.ts";
export {
  type FeatureLevel,
  Features,
  featuresOfInit,
  type MissingDependency,
  validateFeatures,
} from "./features.ts";
export {
  type FeatureContext,
  type FeatureInfo,
  type FeatureName,
  featureTable,
  knownFeatures,
} from "./featureTable.ts";
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
  writeMessage,
} from "./registry.ts";
export * from "./setup.ts";
export * from "./splice.ts";
