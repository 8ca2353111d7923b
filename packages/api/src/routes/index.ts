export { type ErrorCode, errorCodes, isErrorCode } from "./errorCodes.ts";
export { type OperationName, type Route, routes } from "./routes.ts";
export { allows, isScope, type Scope, scopes } from "./scopes.ts";
