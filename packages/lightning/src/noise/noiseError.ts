/** Where in the connection bytes were wrong: an act of the handshake, a message's length prefix, or its body. */
export type NoiseStage = "act-one" | "act-two" | "act-three" | "length" | "message";

/**
 * Bytes that BOLT 8 refuses. The connection is closed without an answer: whoever sent them does not hold the keys,
 * or something between us has touched the stream.
 */
export interface NoiseError {
  readonly kind: "noise-error";
  readonly stage: NoiseStage;
  readonly reason: "bad-length" | "bad-version" | "bad-point" | "bad-tag";
}

export function noiseError(stage: NoiseStage, reason: NoiseError["reason"]): NoiseError {
  return { kind: "noise-error", stage, reason };
}
