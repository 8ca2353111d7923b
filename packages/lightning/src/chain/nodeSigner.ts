import type { Point, Signature } from "../util/bytes.ts";
import type { NodeId } from "../util/ids.ts";

/** Holds the key of a node that does not exist: see `PhantomKeysManager`. @ldk Recipient::PhantomNode */
export interface PhantomSigner {
  readonly nodeId: NodeId;
  /** SHA-256 of the compressed point `phantom key * point`. */
  ecdh(point: Point): Uint8Array;
  /** Recoverable signature of the 32-byte hash of a BOLT 11 invoice. */
  signInvoice(hash: Uint8Array): { readonly signature: Uint8Array; readonly recovery: number };
}

/**
 * Holds the node's key. Its answers are needed at once.
 *
 * @ldk lightning::sign::NodeSigner
 */
export interface NodeSigner {
  readonly nodeId: NodeId;
  /** SHA-256 of the compressed point `node key * point`. */
  ecdh(point: Point): Uint8Array;
  /** 32 bytes from which the secrets of stateless inbound payments are derived. */
  inboundPaymentKey(): Uint8Array;
  /**
   * 32 bytes that authenticate what only this node can have written into a blinded path to itself. Nodes that share
   * phantom payments share it.
   *
   * @ldk NodeSigner::get_receive_auth_key
   */
  receiveAuthKey(): Uint8Array;
  /** Recoverable signature of the 32-byte hash of a BOLT 11 invoice. */
  signInvoice(hash: Uint8Array): { readonly signature: Uint8Array; readonly recovery: number };
  /** Signature of the double SHA-256 of `message`, a gossip message without its signatures (BOLT 7). */
  signGossip(message: Uint8Array): Signature;
  /** Set when the node also takes payments for a phantom behind it and others. */
  readonly phantom?: PhantomSigner;
}
