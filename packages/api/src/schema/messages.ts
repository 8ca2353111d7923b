import { z } from "@hono/zod-openapi";
import { NodeId } from "./values.ts";

const text = z.string().max(10_000);

/** A text to sign with the node's key. */
export const SignRequest = z.strictObject({ text }).openapi("SignRequest");

/** A signature as lnd and Core Lightning make them. */
export const Signature = z
  .strictObject({ signature: z.string().openapi({ description: "zbase32" }) })
  .openapi("Signature");

/** A text and what claims to be its signature. */
export const VerifyRequest = z
  .strictObject({ text, signature: z.string().max(200) })
  .openapi("VerifyRequest");

/** Who signed. */
export const Verified = z.strictObject({ nodeId: NodeId }).openapi("Verified");
