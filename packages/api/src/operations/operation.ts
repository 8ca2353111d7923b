import type { z } from "@hono/zod-openapi";

/** What a successful answer is. */
type Answer =
  | { readonly kind: "json"; readonly schema: z.ZodType }
  /** A text that comes piece by piece. */
  | { readonly kind: "text"; readonly contentType: string }
  /** Server-sent events; each one's data is JSON of this schema. */
  | { readonly kind: "events"; readonly schema: z.ZodType };

/** An operation of the API, as data. `routes` says where it is found. */
export interface Operation {
  readonly tag: "Node" | "Channels" | "Payments" | "On chain" | "Accounts" | "Events" | "Operating";
  readonly summary: string;
  readonly description?: string;
  /** Parameters in the path and in the query, or in the path and in the body, as one object. */
  readonly input?: z.ZodObject;
  /** Headers that mean something here. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly answer: Answer;
  /** Statuses beside 200 with an answer of the same kind. */
  readonly otherStatus?: { readonly status: number; readonly description: string };
}
