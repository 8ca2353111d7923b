import type { RoutingGraph } from "../../gossip/index.ts";
import type { ShortChannelId, UnixSeconds } from "../../util/ids.ts";
import type { EdgePenalties, ScoreLookUp } from "../scoreLookUp.ts";
import type { ScoreUpdate, TriedPath } from "../scoreUpdate.ts";
import type { ChannelLiquidities } from "./channelLiquidities.ts";
import { ProbabilisticScorer } from "./probabilisticScorer.ts";
import type { ScoredEdges } from "./scoredEdges.ts";

/**
 * Scores by what was learned here and what others tell, somebody who probes a lot, say. What was learned here is kept
 * apart too: only that is to be stored (`write`), and others' scores are to be given anew after a restart.
 *
 * @ldk lightning::routing::scoring::CombinedScorer
 */
export class CombinedScorer implements ScoreLookUp, ScoreUpdate {
  /** What was learned here. @ldk CombinedScorer::local_only_scorer */
  readonly localOnly: ProbabilisticScorer;
  /** What searches go by: all together. @ldk CombinedScorer::scorer */
  readonly merged: ProbabilisticScorer;

  constructor(local: ProbabilisticScorer, graph: RoutingGraph) {
    this.localOnly = local;
    this.merged = new ProbabilisticScorer({
      graph,
      feeParameters: local.feeParameters,
      decayParameters: local.decayParameters,
      scores: local.scores.copy(),
    });
  }

  /**
   * Takes in others' scores: of a channel that is known here too, the mean of both counts, of others what they say.
   * Both fade to `now` first.
   *
   * @ldk CombinedScorer::merge
   */
  merge(external: ChannelLiquidities, now: UnixSeconds): void {
    this.localOnly.timePassed(now);
    const others = external.copy();
    others.timePassed(now, this.localOnly.decayParameters);
    const local = this.localOnly.scores;
    const merged = this.merged.scores;
    for (let entry = 0; entry < others.size; entry++) {
      const known = local.find(others.ids[2 * entry] ?? 0, others.ids[2 * entry + 1] ?? 0);
      if (known >= 0) others.average(entry, local, known);
      merged.take(others, entry);
    }
    this.merged.boundMemory();
  }

  /** What was learned here. @ldk CombinedScorer::write */
  write(): Uint8Array {
    return this.localOnly.write();
  }

  penaltiesFor(graph: RoutingGraph): EdgePenalties {
    return this.merged.penaltiesFor(graph);
  }

  /** As `ProbabilisticScorer.edges`, of all together. */
  edges(graph: RoutingGraph): ScoredEdges {
    return this.merged.edges(graph);
  }

  paymentPathFailed(path: TriedPath, shortChannelId: ShortChannelId, now: UnixSeconds): void {
    for (const scorer of [this.localOnly, this.merged]) scorer.paymentPathFailed(path, shortChannelId, now);
  }

  paymentPathSuccessful(path: TriedPath, now: UnixSeconds): void {
    for (const scorer of [this.localOnly, this.merged]) scorer.paymentPathSuccessful(path, now);
  }

  probeFailed(path: TriedPath, shortChannelId: ShortChannelId, now: UnixSeconds): void {
    for (const scorer of [this.localOnly, this.merged]) scorer.probeFailed(path, shortChannelId, now);
  }

  probeSuccessful(path: TriedPath, now: UnixSeconds): void {
    for (const scorer of [this.localOnly, this.merged]) scorer.probeSuccessful(path, now);
  }

  timePassed(now: UnixSeconds): void {
    for (const scorer of [this.localOnly, this.merged]) scorer.timePassed(now);
  }
}
