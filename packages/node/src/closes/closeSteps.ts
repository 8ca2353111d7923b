import { type ChannelMonitor, closeTimeline, type TimelineEntry } from "@fulmen/lightning/onchain";
import type { CloseStep } from "../api/channels.ts";

/** The story of a close: what happened, what is waited for, and for how long. Empty while the channel is open. */
export function closeSteps(
  monitor: ChannelMonitor,
  tip: number,
  destination: Uint8Array,
): readonly CloseStep[] {
  return closeTimeline(monitor, tip, destination).map((entry) => stepOf(entry, tip));
}

function stepOf({ subject, state, amount }: TimelineEntry, tip: number): CloseStep {
  const height = heightOf(state);
  return {
    subject: subject.kind,
    ...(amount !== undefined && { amount }),
    state: state.kind,
    ...(height !== undefined && { height, blocksLeft: Math.max(0, height - tip) }),
    text: textOf(state),
  };
}

function heightOf(state: TimelineEntry["state"]): number | undefined {
  switch (state.kind) {
    case "being-claimed":
      return state.deadline;
    case "waits-for-expiry":
      return state.height;
    case "waits-for-preimage":
    case "maturing":
      return state.until;
    case "taken-by-peer":
    case "trimmed":
    case "closed":
      return state.finalAt;
    case "waits-for-peer":
    case "handed-over":
      return undefined;
  }
}

function textOf(state: TimelineEntry["state"]): string {
  switch (state.kind) {
    case "being-claimed":
      return "our transaction waits for a block; its fee rises towards the deadline";
    case "waits-for-peer":
      return "the peer has to publish its commitment";
    case "waits-for-expiry":
      return `ours from block ${state.height} on, unless the payment arrived`;
    case "waits-for-preimage":
      return `ours if the preimage becomes known before block ${state.until}`;
    case "maturing":
      return `ours; to be spent from block ${state.until} on`;
    case "handed-over":
      return "on its way to the wallet, or there";
    case "taken-by-peer":
      return `the peer has it; final at block ${state.finalAt}`;
    case "trimmed":
      return "too small for an output: it went to the miners";
    case "closed":
      return `in block ${state.height}; final at block ${state.finalAt}`;
  }
}
