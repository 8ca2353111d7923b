export type { ChannelSecrets } from "./channelKeys.ts";
export type { ChannelSigner, SignerProvider, SigningAnswer, SigningRequest } from "./channelSigner.ts";
export { InMemorySigner } from "./inMemorySigner.ts";
export { KeysManager } from "./keysManager.ts";
export type { OutputSpend, OutputSpendKey, OutputSpendSigner } from "./outputSpend.ts";
export type { OutputSpender, SpendRefusal, SpendRequest } from "./outputSpender.ts";
export { PhantomKeysManager } from "./phantomKeysManager.ts";
