/**
 * Where an HTLC (or a fee update) stands in the commit dance. Both sides name the same steps from their own view: an
 * update that we send is added to the peer's commitment first (`sent-add-commit`), revoked there
 * (`received-add-revocation`), then signed into ours (`received-add-ack-commit`) and revoked by us
 * (`sent-add-ack-revocation`): from then on it is irrevocably committed on both sides. Its removal takes the same four
 * steps again. BOLT 2, "Normal Operation".
 */
export type HtlcState = OutgoingHtlcState | IncomingHtlcState;

export type OutgoingHtlcState =
  | "sent-add-htlc"
  | "sent-add-commit"
  | "received-add-revocation"
  | "received-add-ack-commit"
  | "sent-add-ack-revocation"
  | "received-remove-htlc"
  | "received-remove-commit"
  | "sent-remove-revocation"
  | "sent-remove-ack-commit"
  | "received-remove-ack-revocation";

export type IncomingHtlcState =
  | "received-add-htlc"
  | "received-add-commit"
  | "sent-add-revocation"
  | "sent-add-ack-commit"
  | "received-add-ack-revocation"
  | "sent-remove-htlc"
  | "sent-remove-commit"
  | "received-remove-revocation"
  | "received-remove-ack-commit"
  | "sent-remove-ack-revocation";

/** What is true of an HTLC in a state. */
export interface HtlcStateFacts {
  readonly direction: "outgoing" | "incoming";
  /** Whether the latest commitment of ours, the next one to be signed by the peer included, has it. */
  readonly inLocal: boolean;
  /** Whether the latest commitment of the peer, the next one to be signed by us included, has it. */
  readonly inRemote: boolean;
  /** Whether its addition is past undoing on both sides: only now may it be forwarded or claimed. */
  readonly addCommitted: boolean;
  /** Whether its removal is past undoing on both sides: only now may a failure be passed upstream. */
  readonly removeCommitted: boolean;
}

const row = (
  direction: HtlcStateFacts["direction"],
  inLocal: boolean,
  inRemote: boolean,
  committed: "" | "add" | "remove" = "",
): HtlcStateFacts => ({
  direction,
  inLocal,
  inRemote,
  addCommitted: committed !== "",
  removeCommitted: committed === "remove",
});

/** The one table of HTLC states. An update is in a commitment from the moment that its signer would include it. */
export const htlcStates: Readonly<Record<HtlcState, HtlcStateFacts>> = {
  "sent-add-htlc": row("outgoing", false, true),
  "sent-add-commit": row("outgoing", false, true),
  "received-add-revocation": row("outgoing", true, true),
  "received-add-ack-commit": row("outgoing", true, true),
  "sent-add-ack-revocation": row("outgoing", true, true, "add"),
  "received-remove-htlc": row("outgoing", false, true, "add"),
  "received-remove-commit": row("outgoing", false, true, "add"),
  "sent-remove-revocation": row("outgoing", false, false, "add"),
  "sent-remove-ack-commit": row("outgoing", false, false, "add"),
  "received-remove-ack-revocation": row("outgoing", false, false, "remove"),

  "received-add-htlc": row("incoming", true, false),
  "received-add-commit": row("incoming", true, false),
  "sent-add-revocation": row("incoming", true, true),
  "sent-add-ack-commit": row("incoming", true, true),
  "received-add-ack-revocation": row("incoming", true, true, "add"),
  "sent-remove-htlc": row("incoming", true, false, "add"),
  "sent-remove-commit": row("incoming", true, false, "add"),
  "received-remove-revocation": row("incoming", false, false, "add"),
  "received-remove-ack-commit": row("incoming", false, false, "add"),
  "sent-remove-ack-revocation": row("incoming", false, false, "remove"),
};

type Transitions = Readonly<Partial<Record<HtlcState, HtlcState>>>;

/** The commit dance: four moves, each a table. States that a table does not name stay as they are. */
export const danceMoves = {
  /** We signed the peer's next commitment. */
  "commitment-sent": {
    "sent-add-htlc": "sent-add-commit",
    "sent-add-revocation": "sent-add-ack-commit",
    "sent-remove-htlc": "sent-remove-commit",
    "sent-remove-revocation": "sent-remove-ack-commit",
  },
  /** The peer revoked its former commitment. */
  "revocation-received": {
    "sent-add-commit": "received-add-revocation",
    "sent-add-ack-commit": "received-add-ack-revocation",
    "sent-remove-commit": "received-remove-revocation",
    "sent-remove-ack-commit": "received-remove-ack-revocation",
  },
  /** The peer signed our next commitment. */
  "commitment-received": {
    "received-add-htlc": "received-add-commit",
    "received-add-revocation": "received-add-ack-commit",
    "received-remove-htlc": "received-remove-commit",
    "received-remove-revocation": "received-remove-ack-commit",
  },
  /** We revoked our former commitment. */
  "revocation-sent": {
    "received-add-commit": "sent-add-revocation",
    "received-add-ack-commit": "sent-add-ack-revocation",
    "received-remove-commit": "sent-remove-revocation",
    "received-remove-ack-commit": "sent-remove-ack-revocation",
  },
} as const satisfies Record<string, Transitions>;

export type DanceMove = keyof typeof danceMoves;

/** The state after `move`. */
export function afterMove(state: HtlcState, move: DanceMove): HtlcState {
  const transitions: Transitions = danceMoves[move];
  return transitions[state] ?? state;
}
