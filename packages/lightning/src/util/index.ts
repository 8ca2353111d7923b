export * from "./bytes.ts";
export * from "./ids.ts";
export * from "./invariant.ts";
export * from "./result.ts";
export * from "./secret.ts";
export * from "./shortChannelId.ts";
export * from "./text.ts";
export * from "./units.ts";
