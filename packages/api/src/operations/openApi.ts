import { OpenAPIHono, z } from "@hono/zod-openapi";
import { errorCodes } from "../routes/errorCodes.ts";
import { type OperationName, type Route, routes } from "../routes/routes.ts";
import { ApiError } from "../schema/index.ts";
import type { Operation } from "./operation.ts";
import { operations } from "./operations.ts";

/** A JSON document that describes the whole API, as OpenAPI 3.1. */
export type OpenApiDocument = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;

type PathConfig = Parameters<OpenAPIHono["openAPIRegistry"]["registerPath"]>[0];

/** All operations with their names, where they are found, and what they are. */
export function listOperations(): readonly (Route & {
  readonly name: OperationName;
  readonly operation: Operation;
})[] {
  return operationNames().map((name) => ({ name, ...routes[name], operation: operations[name] }));
}

function operationNames(): readonly OperationName[] {
  return Object.keys(routes).filter((name): name is OperationName => Object.hasOwn(routes, name));
}

/** The parameters in a path: `["channelId"]` of `/v1/channels/{channelId}/close`. */
export function pathParameters(path: string): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
}

/** Describes the API. `version` is that of the software. */
export function openApiDocument(version: string): OpenApiDocument {
  const app = new OpenAPIHono();
  app.openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description: "A token made by `fulmen token create`; what it may do is its scopes.",
  });
  for (const { name, method, path, scope, operation } of listOperations()) {
    const { tag, summary, description } = operation;
    app.openAPIRegistry.registerPath({
      method: lowerCase(method),
      path,
      operationId: name,
      tags: [tag],
      summary,
      ...(description !== undefined && { description }),
      ...(scope === undefined ? { security: [] } : { security: [{ token: [scope] }], "x-scope": scope }),
      request: requestOf(method, path, operation),
      responses: responsesOf(operation, scope !== undefined),
    });
  }
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Fulmen",
      version,
      description:
        "Amounts are decimal strings in the unit that the field's name ends with. Times are seconds since 1970.",
    },
  });
}

function lowerCase(method: Route["method"]): "get" | "post" | "delete" {
  switch (method) {
    case "GET":
      return "get";
    case "POST":
      return "post";
    case "DELETE":
      return "delete";
  }
}

function requestOf(
  method: Route["method"],
  path: string,
  { input, headers }: Operation,
): NonNullable<PathConfig["request"]> {
  const inPath = pathParameters(path);
  const fields = Object.entries(input?.shape ?? {});
  const params = fields.filter(([name]) => inPath.includes(name));
  const others = fields.filter(([name]) => !inPath.includes(name));
  // A schema that is taken whole keeps its name in the description.
  const rest =
    params.length === 0 && input !== undefined ? input : z.strictObject(Object.fromEntries(others));
  return {
    ...(params.length > 0 && { params: z.object(Object.fromEntries(params)) }),
    ...(headers !== undefined && { headers: headersSchema(headers) }),
    ...(others.length > 0 &&
      (method === "POST"
        ? { body: { required: true, content: { "application/json": { schema: rest } } } }
        : { query: rest })),
  };
}

function headersSchema(headers: Readonly<Record<string, string>>): z.ZodObject {
  const entries = Object.entries(headers).map(
    ([name, description]) => [name, z.string().optional().openapi({ description })] as const,
  );
  return z.object(Object.fromEntries(entries));
}

function responsesOf({ answer, otherStatus }: Operation, needsToken: boolean): PathConfig["responses"] {
  const content =
    answer.kind === "json"
      ? { "application/json": { schema: answer.schema } }
      : answer.kind === "text"
        ? { [answer.contentType]: { schema: z.string() } }
        : { "text/event-stream": { schema: answer.schema } };
  const refusal = (description: string) => ({
    description,
    content: { "application/json": { schema: ApiError } },
  });
  const codesOf = (status: number): string =>
    Object.entries(errorCodes)
      .filter(([, own]) => own === status)
      .map(([code]) => `\`${code}\``)
      .join(", ");
  return {
    200: { description: "Done.", content },
    ...(otherStatus !== undefined && {
      [otherStatus.status]: { description: otherStatus.description, content },
    }),
    ...(needsToken && {
      400: refusal(`The request is wrong: ${codesOf(400)}.`),
      401: refusal(`No valid token: ${codesOf(401)}.`),
      403: refusal(`The token may not do this: ${codesOf(403)}.`),
      422: refusal("The node refuses: `code` is the node's."),
    }),
    429: refusal(`Too many requests: ${codesOf(429)}; \`Retry-After\` says when to come back.`),
    default: refusal("Any other refusal or failure."),
  };
}
