import { crypto, hkdfPair } from "@fulmen/bitcoin/crypto";
import type { NodeSigner, PhantomSigner } from "../chain/nodeSigner.ts";
import { nodeIdOf } from "../util/ids.ts";
import { invariant } from "../util/invariant.ts";
import { KeysManager } from "./keysManager.ts";

/**
 * Keys of one of several nodes that are paid as one: invoices are of a phantom node behind all of them, whose key each
 * of them has, and whichever is up takes the payment. Two equal seeds in LDK give the same node and the same phantom.
 *
 * @ldk lightning::sign::PhantomKeysManager
 */
export class PhantomKeysManager extends KeysManager implements NodeSigner {
  readonly phantom: PhantomSigner;
  readonly #sharedPaymentKey: Uint8Array;

  /** `crossNodeSeed`: 32 bytes, the same for all of the nodes and over all restarts; `seed`: the node's own. */
  constructor(seed: Uint8Array, crossNodeSeed: Uint8Array) {
    super(seed);
    invariant(crossNodeSeed.length === 32, `cross-node seed of ${crossNodeSeed.length} bytes, not 32`);
    const salt = Uint8Array.from("LDK Inbound and Phantom Payment Key Expansion", (letter) =>
      letter.charCodeAt(0),
    );
    const [paymentKey, phantomKey] = hkdfPair(salt, crossNodeSeed);
    this.#sharedPaymentKey = paymentKey.slice();
    const key = phantomKey.slice();
    this.phantom = {
      nodeId: nodeIdOf(crypto().publicKey(key)),
      ecdh: (point) => crypto().ecdh(key, point),
      signInvoice: (hash) => crypto().ecdsaSignRecoverable(hash, key),
    };
  }

  /** The same for all nodes: each of them knows the invoices of the others. */
  override inboundPaymentKey(): Uint8Array {
    return this.#sharedPaymentKey.slice();
  }
}
