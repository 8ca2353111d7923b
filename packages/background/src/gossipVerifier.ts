import { type GossipSignature, type P2PGossipSync, verifySignatures } from "@fulmen/lightning/gossip";

/** Who verifies signatures elsewhere: `VerifyPool` of `@fulmen/crypto-node/verifyPool`, or a program's own. */
export interface SignatureVerifier {
  /** Whether each is valid, in their order. What it rejects is verified on the calling thread. */
  verifyBatch(signatures: readonly GossipSignature[]): Promise<readonly boolean[]>;
  /** How many batches it works on at a time. Default 1. */
  readonly threads?: number;
}

export interface GossipVerifierOptions {
  /** Made with `verification: "queued"`. */
  readonly gossip: Pick<P2PGossipSync, "takeSignatureBatch" | "signaturesChecked">;
  readonly verifier: SignatureVerifier;
  /** Messages went on: what they give rise to is to be sent, and peers may be read from again. */
  readonly progressed: () => void;
}

/** Signatures in one batch: a few milliseconds of work, in which a thread's wakening does not count. */
const signaturesPerBatch = 128;
/** With each thread of the verifier, one that it works on and one that waits for it. */
const batchesPerThread = 2;

/**
 * Has the signatures of gossip verified elsewhere while this thread goes on. `pump` is to be called when messages came.
 */
export class GossipVerifier {
  readonly #options: GossipVerifierOptions;
  readonly #maxBatches: number;
  #batches = 0;

  constructor(options: GossipVerifierOptions) {
    this.#options = options;
    this.#maxBatches = batchesPerThread * (options.verifier.threads ?? 1);
  }

  /** Whether something is handed out. */
  get isBusy(): boolean {
    return this.#batches > 0;
  }

  /** Hands out what waits, as far as the verifier is free. Cheap when nothing waits. */
  pump(): void {
    const { gossip } = this.#options;
    while (this.#batches < this.#maxBatches) {
      const batch = gossip.takeSignatureBatch(signaturesPerBatch);
      if (batch === undefined) return;
      this.#batches++;
      void this.#verify(batch.batchId, batch.signatures);
    }
  }

  async #verify(batchId: number, signatures: readonly GossipSignature[]): Promise<void> {
    const verdicts = await this.#verdictsOn(signatures);
    this.#batches--;
    const { gossip, progressed } = this.#options;
    gossip.signaturesChecked(batchId, verdicts);
    this.pump();
    progressed();
  }

  async #verdictsOn(signatures: readonly GossipSignature[]): Promise<readonly boolean[]> {
    try {
      return await this.#options.verifier.verifyBatch(signatures);
    } catch {
      // A pool that is closed or broken: the gossip is there all the same.
      return verifySignatures(signatures);
    }
  }
}
