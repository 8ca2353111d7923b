/**
 * What becomes of the sender of refused gossip: nothing, since honest peers send it too (they know other channels,
 * clocks and chains than we do), or a warning, since no honest peer passes it on.
 */
const verdicts = {
  "wrong-chain": "ignore",
  /** A channel or node that is there already, unchanged. */
  duplicate: "ignore",
  /** Older than what is there. */
  stale: "ignore",
  /** More than two weeks old, or more than a day ahead. */
  "timestamp-out-of-range": "ignore",
  "unknown-channel": "ignore",
  "unknown-node": "ignore",
  /** Closed not long ago. */
  "channel-closed": "ignore",
  /** Of a node that failed for good not long ago. */
  "node-failed": "ignore",
  /** Meant for the other side of an unannounced channel; or a node's with several host names. */
  "do-not-forward": "ignore",
  "htlc-maximum-too-large": "ignore",
  /** Longer than we are willing to keep and pass on. */
  "too-long": "ignore",
  /** The graph is full, or what waits to be verified, or to be looked up for one channel. */
  full: "ignore",
  /** Too many lookups are under way: later it may be taken in. */
  busy: "ignore",
  /** The output is spent, absent, or does not pay to the announced keys. */
  "wrong-funding": "ignore",
  /** Both halves of the funding output are one key: no channel of two. */
  "same-bitcoin-keys": "ignore",
  /** Its sender has changed its word too often in the last minutes. */
  "rate-limited": "ignore",
  "bad-signature": "warn",
  "bad-node-order": "warn",
  "bad-addresses": "warn",
  /** A query that cannot be read, or that came before the end of the answer to the one before. */
  "bad-query": "warn",
  /** An answer that we did not ask for, or that breaks the rules of answers. */
  "bad-reply": "warn",
} as const satisfies Readonly<Record<string, "ignore" | "warn">>;

/** Why gossip was not taken in. `text` is for logs and warnings. @ldk lightning::ln::msgs::LightningError */
export interface GossipRefusal {
  readonly kind: keyof typeof verdicts;
  readonly text: string;
}

/** What the sender is due for it (BOLT 7). */
export function verdictOn({ kind }: GossipRefusal): "ignore" | "warn" {
  return verdicts[kind];
}
