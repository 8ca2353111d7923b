import type { LdkSavedState } from "./ldkOptions.ts";

/**
 * The control protocol between `LdkPeer` (in the test's process) and `ldkPeerProcess` (LDK's): one JSON object a line.
 * Ids, keys, scripts, transactions and headers are lower-case hex; txids and block hashes are in display order, other
 * ids in wire order; amounts are bigints.
 */

export interface OutPointFact {
  readonly txid: string;
  readonly index: number;
}

/** A transaction and its index in its block: the index decides the short channel id. */
export interface ConfirmedTx {
  readonly position: number;
  readonly tx: string;
}

/** One block as LDK wants it: the 80-byte header and those of its transactions that the node should see. */
export interface BlockFact {
  readonly header: string;
  readonly height: number;
  readonly txs: readonly ConfirmedTx[];
}

export interface InfoFact {
  readonly nodeId: string;
  readonly height: number;
  readonly blockHash: string;
  /** Feature bits of this node's `init`. */
  readonly features: string;
  /** Confirmed outputs that pay to this script are LDK's coins for fee bumps, from their block on. */
  readonly walletScript: string;
}

export interface PeerFact {
  readonly nodeId: string;
  readonly inbound: boolean;
  readonly features: string;
}

/** A node that a blinded path goes through, by its channel to the next one. */
export interface BlindedForwardFact {
  readonly nodeId: string;
  readonly shortChannelId: bigint;
  readonly baseMsat: number;
  readonly proportionalMillionths: number;
  readonly cltvExpiryDelta: number;
}

export interface BlindedPathFact {
  readonly introductionNode: string;
  readonly pathKey: string;
  readonly hops: readonly { readonly blindedNodeId: string; readonly encryptedPayload: string }[];
  /** What all nodes together ask for. */
  readonly baseMsat: number;
  readonly proportionalMillionths: number;
  readonly cltvExpiryDelta: number;
  readonly htlcMinimumMsat: bigint;
  readonly htlcMaximumMsat: bigint;
}

export interface ChannelFact {
  readonly channelId: string;
  readonly counterparty: string;
  readonly funding: OutPointFact | undefined;
  /** Feature bits of the channel type. */
  readonly channelType: string | undefined;
  readonly anchors: boolean;
  readonly shortChannelId: bigint | undefined;
  readonly capacitySats: bigint;
  readonly outboundCapacityMsat: bigint;
  readonly inboundCapacityMsat: bigint;
  readonly nextOutboundHtlcLimitMsat: bigint;
  readonly feeratePerKw: number | undefined;
  readonly confirmations: number | undefined;
  readonly outbound: boolean;
  /** `channel_ready` went both ways. */
  readonly ready: boolean;
  /** Ready, and the peer is connected. */
  readonly usable: boolean;
  readonly announced: boolean;
  readonly pendingInboundHtlcs: number;
  readonly pendingOutboundHtlcs: number;
}

export interface PaymentFact {
  readonly state: "awaiting-invoice" | "pending" | "fulfilled" | "abandoned";
  readonly paymentId: string;
  readonly paymentHash: string | undefined;
}

export interface BalanceFact {
  /** LDK's name of the kind, as `ClaimableOnChannelClose`. */
  readonly kind: string;
  readonly sats: bigint;
}

/** What LDK as payer takes a failure for. */
export type NetworkUpdateFact =
  | { readonly kind: "channel"; readonly shortChannelId: bigint; readonly permanent: boolean }
  | { readonly kind: "node"; readonly nodeId: string; readonly permanent: boolean };

export interface RelevantTx {
  readonly txid: string;
  readonly height: number;
  readonly blockHash: string | undefined;
}

/** What LDK does on its own. */
export interface LdkBehaviour {
  /** Of inbound channels: accept, accept without waiting for confirmations, refuse, or leave to the command. */
  readonly accept: "auto" | "zero-conf" | "reject" | "manual";
  /** Claim every payment whose preimage is known; otherwise leave it to `claim` and `fail`. */
  readonly claim: "auto" | "manual";
  readonly feeratePerKw: number;
}

type Nothing = Record<never, never>;

/** Every command: its arguments and its answer. */
export interface LdkCommands {
  /** Listens on 127.0.0.1; any port when absent. */
  listen: { args: { port?: number }; result: { host: string; port: number } };
  /** Resolves when `init` went both ways. */
  connect: { args: { host?: string; port: number; nodeId: string }; result: Nothing };
  /** All peers when `nodeId` is absent. */
  disconnect: { args: { nodeId?: string }; result: Nothing };
  peers: { args: Nothing; result: readonly PeerFact[] };
  info: { args: Nothing; result: InfoFact };
  behave: { args: Partial<LdkBehaviour>; result: LdkBehaviour };
  /** An event `funding-generation-ready` follows. */
  open: {
    args: { nodeId: string; sats: bigint; pushMsat?: bigint; anchors?: boolean; announce?: boolean };
    result: { temporaryChannelId: string };
  };
  accept: { args: { temporaryChannelId: string; nodeId: string; zeroConf?: boolean }; result: Nothing };
  /** Hands LDK the funding transaction; every input needs a witness. It is broadcast after `funding_signed`. */
  fund: { args: { temporaryChannelId: string; nodeId: string; tx: string }; result: Nothing };
  block: { args: BlockFact; result: Nothing };
  /** Moves the tip without transactions: blocks in between are not announced one by one. */
  bestBlock: { args: { header: string; height: number }; result: Nothing };
  /** These transactions are no longer confirmed; then `bestBlock` with the fork point, then the new branch's blocks. */
  unconfirm: { args: { txids: readonly string[] }; result: Nothing };
  /** Transactions that LDK wants watched for reorganisations. */
  relevant: { args: Nothing; result: readonly RelevantTx[] };
  invoice: {
    args: { amountMsat?: bigint; description?: string; expirySeconds?: number };
    result: { invoice: string; paymentHash: string };
  };
  /** `amountMsat` is for invoices without one. */
  pay: { args: { invoice: string; amountMsat?: bigint }; result: { paymentHash: string } };
  keysend: {
    args: {
      nodeId: string;
      amountMsat: bigint;
      customTlvs?: readonly (readonly [bigint, string])[];
      /** As many as the amount needs, with a payment secret. One otherwise. */
      inParts?: boolean;
    };
    result: { paymentHash: string; preimage: string };
  };
  /** An offer without amount or description. */
  offer: { args: Nothing; result: { offer: string; paths: number } };
  /** Events follow once the invoice has come by onion message. */
  payOffer: {
    args: { offer: string; amountMsat?: bigint; payerNote?: string };
    result: { paymentId: string };
  };
  /** `absoluteExpiry` in seconds since 1970. */
  refund: {
    args: { amountMsat: bigint; absoluteExpiry: bigint };
    result: { refund: string; paymentId: string };
  };
  requestRefund: { args: { refund: string }; result: { paymentHash: string } };
  /** A new payment, and a blinded path for it over these nodes. */
  blindedPath: {
    args: { amountMsat: bigint; forwards: readonly BlindedForwardFact[]; maxCltvExpiry: number };
    result: BlindedPathFact & { readonly paymentHash: string };
  };
  /** Pays without an invoice; in several parts if need be where `inParts`. */
  payBlinded: {
    args: {
      paymentHash: string;
      amountMsat: bigint;
      paths: readonly BlindedPathFact[];
      inParts?: boolean;
    };
    result: Nothing;
  };
  claim: { args: { preimage: string }; result: Nothing };
  fail: { args: { paymentHash: string }; result: Nothing };
  abandon: { args: { paymentId: string }; result: Nothing };
  close: { args: { channelId: string; feeratePerKw?: number }; result: Nothing };
  forceClose: { args: { channelId: string; message?: string }; result: Nothing };
  channels: { args: Nothing; result: readonly ChannelFact[] };
  payments: { args: Nothing; result: readonly PaymentFact[] };
  balances: { args: Nothing; result: readonly BalanceFact[] };
  /** What gossip has told. */
  graph: { args: Nothing; result: { nodes: readonly string[]; shortChannelIds: readonly bigint[] } };
  /** Broadcasts a `node_announcement`; LDK sends it only with an announced channel. */
  announce: { args: { alias?: string }; result: Nothing };
  /** Spends all spendable outputs seen so far to `script`; the transaction is broadcast too. */
  sweep: { args: { script: string; feeratePerKw?: number }; result: { tx: string } };
  /** Broadcasts pending claims again, at a higher feerate where LDK thinks so. */
  rebroadcast: { args: Nothing; result: Nothing };
  /** One turn of LDK's timers: pings, fee updates, expiries. */
  tick: { args: Nothing; result: Nothing };
  save: { args: Nothing; result: LdkSavedState };
  stop: { args: Nothing; result: Nothing };
}

export type LdkCommandName = keyof LdkCommands;

/** One function per command; `stop` is the process's own. */
export type LdkHandlers = {
  readonly [C in Exclude<LdkCommandName, "stop">]: (
    args: LdkCommands[C]["args"],
  ) => LdkCommands[C]["result"] | Promise<LdkCommands[C]["result"]>;
};

/** What happens in LDK, in order; LDK's own events under kebab-case names. */
export type LdkEvent =
  | { readonly type: "ready"; readonly nodeId: string }
  | { readonly type: "broadcast"; readonly txid: string; readonly tx: string }
  | { readonly type: "socket-closed"; readonly by: "ldk" | "remote"; readonly remote: string }
  /** A panic, a trap or an exception: the process ends after it. */
  | { readonly type: "fatal"; readonly text: string }
  | {
      readonly type: "open-channel-request";
      readonly temporaryChannelId: string;
      readonly counterparty: string;
      readonly fundingSats: bigint;
      readonly channelType: string;
      readonly announced: boolean;
    }
  | {
      readonly type: "funding-generation-ready";
      readonly temporaryChannelId: string;
      readonly counterparty: string;
      readonly sats: bigint;
      readonly outputScript: string;
    }
  | {
      readonly type: "channel-pending";
      readonly channelId: string;
      readonly counterparty: string;
      readonly funding: OutPointFact;
    }
  | {
      readonly type: "channel-ready";
      readonly channelId: string;
      readonly counterparty: string;
      readonly channelType: string;
    }
  | {
      readonly type: "channel-closed";
      readonly channelId: string;
      /** LDK's name, as `LocallyInitiatedCooperativeClosure`. */
      readonly reason: string;
      readonly text: string;
      readonly localBalanceMsat: bigint | undefined;
    }
  | {
      readonly type: "payment-claimable";
      readonly paymentHash: string;
      readonly amountMsat: bigint;
      readonly preimage: string | undefined;
      readonly customTlvs: readonly (readonly [bigint, string])[];
      readonly claimDeadline: number | undefined;
    }
  | {
      readonly type: "payment-claimed";
      readonly paymentHash: string;
      readonly amountMsat: bigint;
      readonly parts: number;
    }
  | {
      readonly type: "payment-sent";
      readonly paymentHash: string;
      readonly paymentId: string | undefined;
      readonly preimage: string;
      readonly feeMsat: bigint | undefined;
    }
  | {
      readonly type: "payment-failed";
      readonly paymentHash: string | undefined;
      readonly paymentId: string;
      readonly reason: string | undefined;
    }
  | {
      readonly type: "payment-path-failed";
      readonly paymentHash: string;
      readonly permanently: boolean;
      readonly failure: string;
      readonly shortChannelId: bigint | undefined;
      readonly networkUpdate: NetworkUpdateFact | undefined;
    }
  | {
      readonly type: "payment-forwarded";
      readonly previousChannelId: string | undefined;
      readonly nextChannelId: string | undefined;
      readonly feeMsat: bigint | undefined;
      readonly amountMsat: bigint | undefined;
      readonly claimedOnChain: boolean;
    }
  | {
      readonly type: "htlc-handling-failed";
      readonly previousChannelId: string;
      readonly destination: string;
    }
  | {
      readonly type: "spendable-outputs";
      readonly channelId: string | undefined;
      readonly count: number;
    }
  | {
      readonly type: "bump-channel-close";
      readonly channelId: string;
      readonly targetFeeratePerKw: number;
      readonly commitmentTx: string;
    }
  | {
      readonly type: "bump-htlc-resolution";
      readonly channelId: string;
      readonly targetFeeratePerKw: number;
      readonly htlcs: number;
    }
  | { readonly type: "other"; readonly name: string };

export type LdkEventType = LdkEvent["type"];
export type LdkEventOf<T extends LdkEventType> = Extract<LdkEvent, { type: T }>;

/** A line to the process. */
export interface LdkRequest<C extends LdkCommandName = LdkCommandName> {
  readonly id: number;
  readonly command: C;
  readonly args: LdkCommands[C]["args"];
}

/** A line from the process. */
export type LdkLine =
  | { readonly type: "result"; readonly id: number; readonly result: unknown }
  | { readonly type: "refused"; readonly id: number; readonly text: string }
  | { readonly type: "event"; readonly event: LdkEvent };

/** One line of JSON, without its line feed; bigints become `{"$bigint":"..."}`. */
export function encodeLine(value: LdkRequest | LdkLine): string {
  return JSON.stringify(value, (_, field: unknown) =>
    typeof field === "bigint" ? { $bigint: field.toString() } : field,
  );
}

/** The value of a line that `encodeLine` wrote on the other side. */
export function decodeLine<T extends LdkRequest | LdkLine>(line: string): T {
  return JSON.parse(line, (_, field: unknown) =>
    typeof field === "object" && field !== null && "$bigint" in field ? BigInt(String(field.$bigint)) : field,
  ) as T;
}
