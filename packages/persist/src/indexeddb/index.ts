export { openIndexedDbStore } from "./indexedDbStore.ts";
