export { type ForwardingOptions, type LdkOptions, type LdkSavedState, ldkOptions } from "./ldkOptions.ts";
export { LdkPeer, type WaitOptions } from "./ldkPeer.ts";
export type {
  BalanceFact,
  BlockFact,
  ChannelFact,
  ConfirmedTx,
  InfoFact,
  LdkBehaviour,
  LdkCommandName,
  LdkCommands,
  LdkEvent,
  LdkEventOf,
  LdkEventType,
  OutPointFact,
  PaymentFact,
  PeerFact,
  RelevantTx,
} from "./ldkProtocol.ts";
