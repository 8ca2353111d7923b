import { z } from "@hono/zod-openapi";

/*
 * What OpenAPI 3.1 allows, for the parts of it that the description of our API uses: field for field as in the
 * specification, and nothing else. A part that is used for the first time is added here.
 * https://spec.openapis.org/oas/v3.1.1
 */

const text = z.string();
const count = z.int().min(0);
const map = <T extends z.ZodType>(value: T) => z.record(z.string().regex(/^[A-Za-z0-9._-]+$/), value);
/** ECMA-262, as JSON Schema asks for. */
const pattern = z.string().refine((source) => {
  try {
    return new RegExp(source, "u") instanceof RegExp;
  } catch {
    return false;
  }
});
const unique = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

/** "Schema Object": JSON Schema 2020-12 with `example`. */
const schema: z.ZodType = z.lazy(() =>
  z.strictObject({
    $ref: z.string().startsWith("#/components/schemas/").optional(),
    type: z.enum(["string", "integer", "number", "boolean", "object", "array", "null"]).optional(),
    description: text.optional(),
    example: z.unknown().optional(),
    enum: z.array(z.unknown()).min(1).refine(unique).optional(),
    properties: z.record(text, schema).optional(),
    required: z.array(text).refine(unique).optional(),
    additionalProperties: z.union([z.boolean(), schema]).optional(),
    items: schema.optional(),
    prefixItems: z.array(schema).min(1).optional(),
    anyOf: z.array(schema).min(1).optional(),
    oneOf: z.array(schema).min(1).optional(),
    allOf: z.array(schema).min(1).optional(),
    ...{ minimum: z.number().optional(), maximum: z.number().optional() },
    ...{ minLength: count.optional(), maxLength: count.optional(), pattern: pattern.optional() },
  }),
);

const mediaTypes = z.record(z.string().regex(/^[\w.+-]+\/[\w.+-]+$/), z.strictObject({ schema }));

/** "Parameter Object": what stands in a path is required. */
const parameter = z
  .strictObject({
    name: text,
    in: z.enum(["path", "query", "header"]),
    required: z.boolean().optional(),
    description: text.optional(),
    schema,
  })
  .refine((one) => one.in !== "path" || one.required === true, "a parameter in a path is required");

const operation = z.strictObject({
  operationId: text,
  tags: z.array(text),
  summary: text,
  description: text.optional(),
  security: z.array(map(z.array(text))),
  parameters: z
    .array(parameter)
    .refine((all) => unique(all.map((one) => `${one.in} ${one.name}`)))
    .optional(),
  requestBody: z.strictObject({ required: z.boolean(), content: mediaTypes }).optional(),
  responses: z.record(
    z.string().regex(/^([1-5][0-9]{2}|default)$/),
    z.strictObject({ description: text, content: mediaTypes.optional() }),
  ),
  "x-scope": text.optional(),
});

const pathItem = z.strictObject({
  get: operation.optional(),
  post: operation.optional(),
  delete: operation.optional(),
});

/** "OpenAPI Object". */
export const openApiShape = z.strictObject({
  openapi: z.string().regex(/^3\.1\.[0-9]+$/),
  info: z.strictObject({ title: text, version: text, description: text }),
  paths: z.record(z.string().startsWith("/"), pathItem),
  webhooks: map(pathItem),
  components: z.strictObject({
    schemas: map(schema),
    parameters: map(parameter),
    securitySchemes: map(
      z.strictObject({ type: z.literal("http"), scheme: z.literal("bearer"), description: text }),
    ),
  }),
});
