/** How one LDK node of the harness is set up; amounts in the units that each name says. */
export interface LdkOptions {
  /** 32 bytes as hex: the node's keys follow from it. */
  readonly seed: string;
  /** Offer and prefer anchors; otherwise static_remotekey. */
  readonly anchors: boolean;
  /** Whether channels that this node opens are announced. */
  readonly announce: boolean;
  /** Satoshis per 1,000 weight for every confirmation target. */
  readonly feeratePerKw: number;
  /** Confirmations this node waits for before an inbound channel is ready. */
  readonly minimumDepth: number;
  /** Blocks that the peer must wait for its own outputs. */
  readonly toSelfDelay: number;
  /** HTLCs that this node accepts in flight, 1..483. */
  readonly maxAcceptedHtlcs: number;
  /** Forward to channels that are not announced. */
  readonly forwardToPrivateChannels: boolean;
  /** What this node charges for forwarding, and its CLTV delta. */
  readonly forwarding: ForwardingOptions;
  /** Limit of dust in flight in millisatoshis; LDK's own (10,000 times the feerate) when absent. */
  readonly maxDustExposureMsat: number | undefined;
  /** Lines of LDK's own log that go to stderr: 0 (gossip) to 5 (error); none when absent. */
  readonly logLevel: number | undefined;
  /** A state that the command `save` wrote: the node starts from it. */
  readonly load: LdkSavedState | undefined;
}

export interface ForwardingOptions {
  readonly baseMsat: number;
  readonly proportionalMillionths: number;
  readonly cltvExpiryDelta: number;
}

/** What LDK needs to start again, all of it hex. Starting from an old one is how a node loses money; tests do. */
export interface LdkSavedState {
  readonly manager: string;
  readonly monitors: readonly string[];
  readonly graph: string;
}

/** Options that suit most tests; `seedByte` fills the seed. */
export function ldkOptions(seedByte: number, changes: Partial<LdkOptions> = {}): LdkOptions {
  return {
    seed: seedByte.toString(16).padStart(2, "0").repeat(32),
    anchors: true,
    announce: true,
    feeratePerKw: 253,
    minimumDepth: 1,
    toSelfDelay: 144,
    maxAcceptedHtlcs: 50,
    forwardToPrivateChannels: true,
    forwarding: { baseMsat: 1_000, proportionalMillionths: 0, cltvExpiryDelta: 72 },
    maxDustExposureMsat: undefined,
    logLevel: undefined,
    load: undefined,
    ...changes,
  };
}
