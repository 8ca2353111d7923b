import type { ClaimId } from "../chain/coinSelection.ts";
import type { SentBump } from "./bumpDraft.ts";
import type { BumpOutcome } from "./bumpSteps.ts";

/**
 * What was last sent for each claim, which the next transaction has to outbid; and which claims are parts of others. It
 * is in memory only: after a restart the same event leads to the same transaction.
 */
export class SentBumps {
  readonly #sent = new Map<ClaimId, SentBump>();
  readonly #wholes = new Map<ClaimId, ClaimId>();

  get(claimId: ClaimId): SentBump | undefined {
    return this.#sent.get(claimId);
  }

  /** Whether the second part of a claim was sent by itself. */
  isSplit(claimId: ClaimId): boolean {
    for (const [part, whole] of this.#wholes) if (whole === claimId && this.#sent.has(part)) return true;
    return false;
  }

  /** Takes in the outcome of an event of a claim. */
  note(claimId: ClaimId, outcome: BumpOutcome): void {
    if (outcome.kind === "broadcast") this.#sent.set(claimId, outcome.sent);
    if (outcome.kind === "split") this.#wholes.set(outcome.parts[1].claimId, claimId);
  }

  /** Forgets all claims but these and their parts, and says which those are. */
  retain(claimIds: readonly ClaimId[]): readonly ClaimId[] {
    const kept = new Set(claimIds);
    for (const [part, whole] of this.#wholes) {
      if (kept.has(whole)) kept.add(part);
      else this.#wholes.delete(part);
    }
    for (const claimId of this.#sent.keys()) if (!kept.has(claimId)) this.#sent.delete(claimId);
    return [...kept];
  }
}
