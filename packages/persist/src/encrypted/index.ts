export { type EncryptedStoreOptions, encryptedStore } from "./encryptedStore.ts";
