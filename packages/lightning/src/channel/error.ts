import type { ClosureReason } from "../handlers/event.ts";

/** What to do about a refusal. */
export type Verdict =
  /** Nothing; perhaps a log entry. */
  | "ignore"
  /** Send a `warning`, keep the connection. */
  | "warn"
  /** Send a `warning` and disconnect: the peer may do better after a reconnection. */
  | "disconnect"
  /** Send an `error` and force-close the channel. */
  | "close";

/** A refusal: of a peer's message, or of a command. */
export interface ChannelRefusal {
  /** Kebab-case name of what was violated, for programs. */
  readonly code: string;
  /** A sentence with the numbers, for people. */
  readonly text: string;
  /** Only for messages of peers. */
  readonly verdict: Verdict;
  /** What the user is told when the channel closes for it, unless it is a `processing-error`. */
  readonly reason?: ClosureReason;
}

export function refusal(verdict: Verdict, code: string, text: string): ChannelRefusal {
  return { verdict, code, text };
}
