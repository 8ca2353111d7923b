export * from "./operations/index.ts";
export * from "./routes/index.ts";
export * from "./schema/index.ts";
