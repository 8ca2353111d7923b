import { crypto } from "@fulmen/bitcoin/crypto";
import { InMemorySigner, KeysManager } from "@fulmen/lightning/sign";
import { type NodeId, nodeIdOf, type Point, type Signature } from "@fulmen/lightning/util";
import type { DevelopmentOptions } from "../api/options.ts";

type FixedKeys = Pick<DevelopmentOptions, "nodeKey" | "channelSecrets">;

/** A seed's keys but for those that are fixed. */
export class DeveloperKeys extends KeysManager {
  override readonly nodeId: NodeId;
  readonly #fixed: FixedKeys;

  constructor(seed: Uint8Array, fixed: FixedKeys) {
    super(seed);
    this.#fixed = fixed;
    const { nodeKey } = fixed;
    const { nodeId } = new KeysManager(seed);
    this.nodeId = nodeKey === undefined ? nodeId : nodeIdOf(crypto().publicKey(nodeKey));
  }

  override ecdh(point: Point): Uint8Array {
    const { nodeKey } = this.#fixed;
    return nodeKey === undefined ? super.ecdh(point) : crypto().ecdh(nodeKey, point);
  }

  override signInvoice(hash: Uint8Array): { readonly signature: Uint8Array; readonly recovery: number } {
    const { nodeKey } = this.#fixed;
    return nodeKey === undefined ? super.signInvoice(hash) : crypto().ecdsaSignRecoverable(hash, nodeKey);
  }

  override signGossip(message: Uint8Array): Signature {
    const { nodeKey } = this.#fixed;
    if (nodeKey === undefined) return super.signGossip(message);
    return crypto().ecdsaSign(crypto().hash256(message), nodeKey) as Signature;
  }

  override deriveChannelSigner(channelKeysId: Uint8Array): InMemorySigner {
    const { channelSecrets } = this.#fixed;
    if (channelSecrets === undefined) return super.deriveChannelSigner(channelKeysId);
    return new InMemorySigner(channelSecrets, this);
  }
}
