import { readFileSync } from "node:fs";
import { nobleProvider } from "@fulmen/bitcoin/crypto";
import type { NoiseError, StaticKey } from "@fulmen/lightning/noise";
import { nodeIdOf } from "@fulmen/lightning/util";

export interface HandshakeVector {
  readonly name: string;
  readonly side: "initiator" | "responder";
  readonly localKey: string;
  readonly ephemeralKey: string;
  /** Of initiators only: the responder's key. */
  readonly remote?: string;
  readonly steps: readonly Step[];
}

type Step =
  | { readonly send: string }
  | { readonly receive: string }
  | { readonly sendingKey: string; readonly receivingKey: string }
  | Pick<NoiseError, "stage" | "reason">;

interface Vectors {
  readonly handshakes: readonly HandshakeVector[];
  readonly messages: {
    readonly chainingKey: string;
    readonly sendingKey: string;
    readonly receivingKey: string;
    readonly message: string;
    readonly outputs: readonly { readonly number: number; readonly wire: string }[];
  };
}

/** BOLT 8, Appendix A. */
export const vectors: Vectors = JSON.parse(
  readFileSync(new URL("../../../../fixtures/bolt8/transport.json", import.meta.url), "utf8"),
);

export function staticKey(privateKey: Uint8Array): StaticKey {
  return {
    nodeId: nodeIdOf(nobleProvider.publicKey(privateKey)),
    ecdh: (point) => nobleProvider.ecdh(privateKey, point),
  };
}
