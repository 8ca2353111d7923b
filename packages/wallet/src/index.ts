export * from "./descriptor/index.ts";
