import type { FundingSpender } from "./chainView.ts";
import type { TimelineEntry, TimelineState, TimelineSubject } from "./closeTimeline.ts";

/** The entries of `closeTimeline` for people, a line each; `tip` is the height that it was asked for. */
export function timelineLines(entries: readonly TimelineEntry[], tip: number): readonly string[] {
  return entries.map(({ subject, amount, state }) => {
    const what = subjectText(subject);
    const head = amount === undefined ? what : `${what}, ${amount} sat`;
    return `${head}: ${stateText(state, tip)}`;
  });
}

function subjectText(subject: TimelineSubject): string {
  switch (subject.kind) {
    case "closing":
      return "the channel";
    case "balance":
      return "our balance";
    case "penalty":
      return "what the peer forfeits";
    case "htlc": {
      const { direction, id, paymentHash } = subject;
      return `${direction} HTLC ${id} (hash ${paymentHash.slice(0, 8)})`;
    }
  }
}

function stateText(state: TimelineState, tip: number): string {
  switch (state.kind) {
    case "being-claimed": {
      const { feerate, setAt, deadline } = state;
      const paid = feerate === undefined ? "" : ` at ${feerate} sat/kw since height ${setAt}`;
      const until = deadline === undefined ? "" : `; to be confirmed by ${heightText(deadline, tip)}`;
      return `our transaction waits for a block${paid}${until}`;
    }
    case "waits-for-peer":
      return "waits for the peer's commitment; ours is not to be published";
    case "waits-for-expiry":
      return `comes back to us from ${heightText(state.height, tip)} on, unless the peer shows the preimage`;
    case "waits-for-preimage":
      return `ours if we learn the preimage; the peer may take it back from ${heightText(state.until, tip)} on`;
    case "maturing":
      return `ours by ${state.txid}; can be spent from ${heightText(state.until, tip)} on`;
    case "handed-over":
      return `ours: output ${state.outPoint.index} of ${state.txid} was given to the wallet`;
    case "taken-by-peer":
      return `taken by the peer at height ${state.height} by ${state.txid}${finality(state.finalAt, tip)}`;
    case "trimmed":
      return `too small for an output, lost to the fee${finality(state.finalAt, tip)}`;
    case "closed": {
      const { by, txid, height } = state;
      return `closed at height ${height} by ${spenderText(by)}, ${txid}${finality(state.finalAt, tip)}`;
    }
  }
}

function spenderText(kind: FundingSpender["kind"]): string {
  switch (kind) {
    case "cooperative-close":
      return "a closing transaction";
    case "holder-commitment":
      return "our commitment";
    case "lost-holder-commitment":
      return "a commitment of ours that is newer than our records";
    case "counterparty-commitment":
      return "the peer's commitment";
    case "revoked-commitment":
      return "a commitment that the peer had revoked";
    case "future-commitment":
      return "a commitment of the peer that is newer than our records";
    case "unknown-commitment":
      return "a commitment that we do not know";
  }
}

function finality(finalAt: number, tip: number): string {
  return finalAt <= tip ? "" : `; final at ${heightText(finalAt, tip)}`;
}

function heightText(height: number, tip: number): string {
  const left = height - tip;
  if (left <= 0) return `height ${height}`;
  return `height ${height} (${left} ${left === 1 ? "block" : "blocks"} left)`;
}
