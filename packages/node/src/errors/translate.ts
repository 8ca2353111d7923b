import { ChainSourceError } from "@fulmen/chain-sync";
import { AnchorReserveError, ApiError, type ApiErrorCode } from "@fulmen/lightning/manager";
import { StoreError } from "@fulmen/persist";
import type { WalletRefusal } from "@fulmen/wallet";
import { NodeError, type NodeErrorCode } from "../api/nodeError.ts";

const codes: Readonly<Record<ApiErrorCode, readonly [NodeErrorCode, remedy: string]>> = {
  "api-misuse": ["invalid-request", "change what was asked for as the message says"],
  "channel-unavailable": ["unknown-channel", "list the channels, and use the id of one that is open"],
  "channel-refused": [
    "channel-refused",
    "change what the message names; where the channel is not ready, or its peer is away, wait",
  ],
  "peer-not-connected": ["peer-unreachable", "connect to the peer first: nodeid@host:port"],
  "insufficient-anchor-reserve": [
    "anchor-reserve",
    "send more to an address of the wallet, and wait for a block",
  ],
  "duplicate-payment": ["duplicate-payment", "look the payment up: it is under way, or was made"],
  "payment-expired": ["invoice-expired", "ask the payee for a new invoice"],
  "invalid-invoice": ["invalid-destination", "copy the whole invoice again, or ask the payee for a new one"],
  "unknown-features": ["unsupported-destination", "ask the payee for an invoice without them"],
  "invalid-recipient-fields": ["invalid-request", "leave out what the message names"],
  "onion-too-large": ["invalid-request", "send fewer custom records"],
  "route-not-found": [
    "route-not-found",
    "try a smaller amount, a higher fee limit, or open a channel nearer to the payee",
  ],
  "invalid-amount": ["invalid-amount", "give an amount as the message says"],
  "wrong-network": ["wrong-network", "ask the payee for an invoice of this node's network"],
  "own-invoice": ["own-invoice", "give the invoice to somebody else to pay"],
  "no-blinded-path": ["invalid-request", "open a channel with a public node first"],
  frozen: ["frozen", "see to the store: space on the disk, permissions, the database's server"],
};

/** An error of the kit as the node's user gets it; others stay what they are. */
export function translated(error: unknown): unknown {
  if (error instanceof NodeError) return error;
  if (error instanceof AnchorReserveError) return anchorReserveError(error);
  if (error instanceof ApiError) {
    const [code, remedy] = codes[error.code];
    return new NodeError(code, error.message, { remedy, cause: error });
  }
  if (error instanceof ChainSourceError) return chainError(error);
  if (error instanceof StoreError) return storeError(error);
  return error;
}

/** `action`, its errors translated. */
export function translating<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw translated(error);
  }
}

function anchorReserveError(error: AnchorReserveError): NodeError {
  const { refusal } = error;
  if (refusal.kind === "too-few-coins") {
    return new NodeError("anchor-reserve", error.message, {
      remedy: "send to a new address of the wallet once more for each further channel",
      details: { supportable: refusal.supportable, channels: refusal.channels },
      cause: error,
    });
  }
  const { needed, available, reserved } = refusal;
  return new NodeError("anchor-reserve", error.message, {
    remedy: `send at least ${needed - available} sat to an address of the wallet, and wait for a block`,
    details: {
      neededSat: needed,
      availableSat: available,
      reserveSat: reserved,
      missingSat: needed - available,
    },
    cause: error,
  });
}

/** Why the chain is not heard of. */
function chainError(error: ChainSourceError): NodeError {
  const code =
    error.code === "wrong-network"
      ? "wrong-network"
      : error.code === "pruned"
        ? "chain-pruned"
        : "chain-unavailable";
  return new NodeError(code, error.message, {
    remedy: error.remedy,
    details: { reason: error.code },
    cause: error,
  });
}

function storeError(error: StoreError): NodeError {
  const isTaken = error.code === "locked" || error.code === "lease-lost";
  return new NodeError(isTaken ? "second-instance" : "store-unusable", error.message, {
    remedy: isTaken
      ? "stop the other process, or give this node a store of its own: two nodes of one seed lose money"
      : "see to what the message names; do not delete the store: the channels' money depends on it",
    details: { reason: error.code },
    cause: error,
  });
}

/** Why the wallet makes no transaction, with the numbers. */
export function walletError(refusal: WalletRefusal): NodeError {
  switch (refusal.kind) {
    case "insufficient-funds": {
      const { needed, available, reserved } = refusal;
      const missing = needed > available ? needed - available : 0n;
      const held = reserved > 0n ? `; ${reserved} sat are held for closing channels and payments` : "";
      return new NodeError(
        "insufficient-funds",
        `${needed} sat are needed, the wallet has ${available} sat that it can spend: ${missing} sat are missing${held}`,
        {
          remedy: `send ${missing} sat more to an address of the wallet, and wait for a block`,
          details: { neededSat: needed, availableSat: available, missingSat: missing, heldSat: reserved },
        },
      );
    }
    case "reserve-needed": {
      const { keep, left } = refusal;
      return new NodeError(
        "anchor-reserve",
        `${left} sat would be left in the wallet, and ${keep} sat must stay to close the channels when fees are high: ${keep - left} sat too much`,
        {
          remedy: `spend ${keep - left} sat less, or send as much to an address of the wallet first; \`spendReserve\` lets a payment or a fee bump have it all the same`,
          details: { reserveSat: keep, availableSat: left, missingSat: keep - left },
        },
      );
    }
    case "dust-output":
      return new NodeError(
        "invalid-amount",
        `${refusal.value} sat are too little: nodes relay ${refusal.least} sat or more`,
        {
          remedy: `send at least ${refusal.least} sat`,
          details: { leastSat: refusal.least },
        },
      );
    case "feerate-too-low":
      return new NodeError(
        "invalid-amount",
        `a feerate of ${refusal.feerate} is too low: ${refusal.least} is the least`,
        {
          remedy: `give a feerate of ${refusal.least} or more, in satoshis per 1,000 weight units`,
          details: { least: refusal.least },
        },
      );
    case "unknown-transaction":
      return new NodeError("unknown-transaction", `the wallet knows no transaction ${refusal.txid}`, {
        remedy: "look it up in the wallet's history",
      });
    case "too-long-chain":
      return new NodeError(
        "invalid-request",
        `the transaction rests on ${refusal.unconfirmed} unconfirmed ones, itself included: more than ${refusal.most}`,
        {
          remedy: "wait until a block has taken some of them, or raise the fee of the first ones",
          details: { reason: refusal.kind, most: refusal.most },
        },
      );
    case "too-heavy":
    case "coin-not-spendable":
    case "coin-locked":
    case "already-confirmed":
    case "conflicted":
    case "not-replaceable":
    case "has-descendants":
    case "no-own-output":
    case "unknown-fee":
      return new NodeError(
        "invalid-request",
        `the wallet cannot do this: ${refusal.kind.replaceAll("-", " ")}`,
        {
          remedy: "look at the wallet's history: the transaction or its coins are not in a state for this",
          details: { reason: refusal.kind },
        },
      );
  }
}
