import type { EdgePenalties, ScoreLookUp } from "../scoreLookUp.ts";
import type { ScoreUpdate } from "../scoreUpdate.ts";

/** Learns nothing: each hop costs the same. @ldk lightning::routing::scoring::FixedPenaltyScorer */
export class FixedPenaltyScorer implements ScoreLookUp, ScoreUpdate {
  readonly #penalties: EdgePenalties;

  /** `penalty`: msat. @ldk FixedPenaltyScorer::with_penalty */
  constructor(penalty: number) {
    this.#penalties = { edgePenalty: () => penalty, leastPenalty: () => penalty };
  }

  penaltiesFor(): EdgePenalties {
    return this.#penalties;
  }

  paymentPathFailed(): void {}

  paymentPathSuccessful(): void {}

  probeFailed(): void {}

  probeSuccessful(): void {}

  timePassed(): void {}
}
