export { listOperations, type OpenApiDocument, openApiDocument, pathParameters } from "./openApi.ts";
export type { Operation } from "./operation.ts";
export { type InputOf, type OutputOf, operations } from "./operations.ts";
