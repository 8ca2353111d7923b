export { MemoryStore } from "./memoryStore.ts";
