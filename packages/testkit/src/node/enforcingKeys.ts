import type { NodeSigner } from "@fulmen/lightning/chain";
import { KeysManager, type SignerProvider } from "@fulmen/lightning/sign";
import type { NodeId, Point, Signature } from "@fulmen/lightning/util";
import { toHex } from "@fulmen/lightning/util";
import { EnforcingSigner, SignerMemory } from "./enforcingSigner.ts";

/** A node's keys as `KeysManager` has them, whose channel signers refuse what a correct node never asks for. */
export class EnforcingKeys implements NodeSigner, SignerProvider {
  readonly nodeId: NodeId;
  readonly memory = new SignerMemory();
  readonly keys: KeysManager;
  /** While set, channels' signers answer only through `TestNode.answerSigners`. */
  answersLate = false;
  readonly #signers = new Map<string, EnforcingSigner>();

  constructor(seed: Uint8Array) {
    this.keys = new KeysManager(seed);
    this.nodeId = this.keys.nodeId;
  }

  ecdh(point: Point): Uint8Array {
    return this.keys.ecdh(point);
  }

  inboundPaymentKey(): Uint8Array {
    return this.keys.inboundPaymentKey();
  }

  receiveAuthKey(): Uint8Array {
    return this.keys.receiveAuthKey();
  }

  signInvoice(hash: Uint8Array): { readonly signature: Uint8Array; readonly recovery: number } {
    return this.keys.signInvoice(hash);
  }

  signGossip(message: Uint8Array): Signature {
    return this.keys.signGossip(message);
  }

  generateChannelKeysId(inbound: boolean, entropy: Uint8Array): Uint8Array {
    return this.keys.generateChannelKeysId(inbound, entropy);
  }

  deriveChannelSigner(channelKeysId: Uint8Array): EnforcingSigner {
    const name = toHex(channelKeysId);
    const known = this.#signers.get(name);
    if (known !== undefined) return known;
    const inner = this.keys.deriveChannelSigner(channelKeysId);
    const signer = new EnforcingSigner(inner, this.memory, channelKeysId, () => this.answersLate);
    this.#signers.set(name, signer);
    return signer;
  }

  destinationScript(channelKeysId: Uint8Array): Uint8Array {
    return this.keys.destinationScript(channelKeysId);
  }

  shutdownScript(): Uint8Array {
    return this.keys.shutdownScript();
  }
}
