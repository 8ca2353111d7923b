export { type FileStoreOptions, openFileStore } from "./openFileStore.ts";
