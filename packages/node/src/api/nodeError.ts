/** Why a call was not carried out, or a node did not start. */
export type NodeErrorCode =
  // Starting
  /** An option has a value that it cannot have: `details.option` names it. */
  | "invalid-option"
  /** The seed is no list of 12 or 24 words with the right checksum, and no 32 or 64 bytes. */
  | "invalid-seed"
  /** Another process has the store. */
  | "second-instance"
  /** The store belongs to a node with another seed. */
  | "wrong-seed"
  /** The store, the chain source, or an invoice is of another network. */
  | "wrong-network"
  /** The store cannot be read, or what it holds does not fit together. */
  | "store-unusable"
  /** The static channel backup is damaged, of another seed, or of a newer version: `details.reason`. */
  | "backup-unusable"
  /** None of the peers that were asked gave a backup of this node back: the message says why of each. */
  | "backup-not-found"
  /** A backup can only be restored into an empty store. */
  | "store-not-empty"
  /** There is a backup of channels that this store does not know: it is empty, or older than the backup. */
  | "store-stale"
  | "port-in-use"
  /** Nobody answers at the chain source, or it is not usable: `details.reason` is the code of its error. */
  | "chain-unavailable"
  /** The chain source no longer has blocks that are needed. */
  | "chain-pruned"
  /** `start` was called before. */
  | "already-started"
  // Calling
  /** `start` was not called, or has not ended, or the node was stopped. */
  | "not-running"
  /** The store fails: nothing is promised until it works again. */
  | "frozen"
  /** The wallet has too little: `details.neededSat`, `availableSat`, `missingSat`. */
  | "insufficient-funds"
  /** What is left would not pay for closing the channels: `details.reserveSat`, `availableSat`, `missingSat`. */
  | "anchor-reserve"
  | "invalid-amount"
  /** Neither an invoice nor an address nor a URI with one of them. */
  | "invalid-destination"
  /** A way to be paid that this version knows of and cannot pay: `details.kind`. */
  | "unsupported-destination"
  | "invoice-expired"
  | "own-invoice"
  /** A payment with this id is under way, or has been made. */
  | "duplicate-payment"
  | "route-not-found"
  /** The payment was tried and failed for good: `details.reason`, `details.paymentId`. */
  | "payment-failed"
  | "unknown-payment"
  | "unknown-channel"
  | "unknown-transaction"
  /** The channel is not in a state to do this. */
  | "channel-refused"
  /** The peer did not accept the channel: `details.reason` is what it said. */
  | "open-failed"
  | "unknown-peer"
  /** No address of the peer is known, or nobody answers there. */
  | "peer-unreachable"
  | "invalid-address"
  /** What is asked for cannot be done this way: `message` says why. */
  | "invalid-request"
  | "invalid-signature";

/** The numbers of a `NodeError`, by name. */
export type ErrorDetails = Readonly<Record<string, string | number | bigint | boolean>>;

/**
 * Thrown by all calls of a node. `message` is a sentence that says what is wrong with its numbers, `remedy` one that
 * says what the user can do; programs go by `code` and `details`.
 */
export class NodeError extends Error {
  override readonly name: string = "NodeError";
  readonly code: NodeErrorCode;
  readonly remedy: string;
  readonly details: ErrorDetails;

  constructor(
    code: NodeErrorCode,
    message: string,
    more: { readonly remedy: string; readonly details?: ErrorDetails; readonly cause?: unknown },
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.remedy = more.remedy;
    this.details = more.details ?? {};
  }
}
