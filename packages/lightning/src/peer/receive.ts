import { utf8 } from "@scure/base";
import { DecodeError } from "../codec/index.ts";
import { type ErrorOrWarning, isGossipType } from "../handlers/index.ts";
import type { ChannelId, NodeId } from "../util/ids.ts";
import { printable } from "../util/text.ts";
import { type DecodedMessage, decodeMessage, type Features, type Init, messages } from "../wire/index.ts";
import type { Phase } from "./connection.ts";

/** A message that belongs to some handler. */
export type HandledMessage = Exclude<DecodedMessage, { type: "init" | "ping" | "pong" }>;

/** What a decrypted message means for the connection that it came over. */
export type Received =
  | { readonly kind: "init"; readonly nodeId: NodeId; readonly ours: Features; readonly init: Init }
  | { readonly kind: "ping"; readonly numPongBytes: number }
  | { readonly kind: "pong" }
  | { readonly kind: "message"; readonly nodeId: NodeId; readonly message: HandledMessage }
  /** Not to be read, but no reason to part. */
  | { readonly kind: "warn"; readonly nodeId: NodeId; readonly reason: string }
  /** The connection ends, and the peer shall know why. */
  | { readonly kind: "refuse"; readonly reason: string }
  | { readonly kind: "close"; readonly reason: string };

/** Reads one message. Total: bytes that are no message are a verdict, too. */
export function receiveMessage(phase: Phase, bytes: Uint8Array): Received {
  if (phase.kind !== "awaits-init" && phase.kind !== "open") {
    return { kind: "close", reason: "message outside of an open connection" };
  }
  const { nodeId } = phase;
  let message: DecodedMessage;
  try {
    message = decodeMessage(bytes);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const reason = `cannot read your message: ${error.message}`;
    // Gossip is other nodes' words: who passes it on unread need not lose its channels for it.
    if (phase.kind === "open" && startsLikeGossip(bytes)) return { kind: "warn", nodeId, reason };
    return { kind: "refuse", reason };
  }
  if (phase.kind === "awaits-init") {
    if (message.type === "init") return { kind: "init", nodeId, ours: phase.ours, init: message };
    return { kind: "close", reason: `${message.type} before init` };
  }
  if (message.type === "init") return { kind: "close", reason: "second init" };
  if (message.type === "ping") return { kind: "ping", numPongBytes: message.numPongBytes };
  if (message.type === "pong") return { kind: "pong" };
  return { kind: "message", nodeId, message };
}

/** A warning about the connection as a whole, with our own words or escaped ones. */
export function warningOf(text: string): ErrorOrWarning {
  return { type: "warning", channelId: allChannels, data: utf8.decode(text) };
}

/** An `error` or `warning` as a line of the log; its text is the peer's and therefore escaped. */
export function logLineOf({ type, channelId, data }: ErrorOrWarning): string {
  const about = channelId === allChannels ? "" : ` about channel ${channelId}`;
  return `peer sends ${type}${about}: ${printable(data)}`;
}

const allChannels = "00".repeat(32) as ChannelId;

const gossipNumbers: ReadonlySet<number> = new Set(
  messages.filter(({ type }) => isGossipType(type)).map(({ number }) => number),
);

function startsLikeGossip(bytes: Uint8Array): boolean {
  return gossipNumbers.has(((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0));
}
