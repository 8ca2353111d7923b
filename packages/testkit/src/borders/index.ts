export { type BorderCall, type LoggingProxyOptions, loggingProxy } from "./loggingProxy.ts";
export { NotPlainError, plainCopy } from "./plainData.ts";
