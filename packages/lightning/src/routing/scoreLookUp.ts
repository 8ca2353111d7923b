import type { RoutingGraph } from "../gossip/index.ts";

/** What a router asks of a scorer. @ldk lightning::routing::scoring::ScoreLookUp */
export interface ScoreLookUp {
  /** The penalties for one search over `graph`; valid until the graph or the scorer changes. */
  penaltiesFor(graph: RoutingGraph): EdgePenalties;
}

/** What it would cost in trust to use the edges of a graph. */
export interface EdgePenalties {
  /**
   * What the payer would pay at most, in msat, not to take this edge (see `RoutingGraph`): 0 or more, whole or not;
   * `Infinity` when it must never be taken. Not less when more passes, or a search may miss what is cheapest. Called
   * for each edge that a search looks at.
   *
   * @param amount what would pass, msat
   * @param inFlight what is under way already, by other payments and by other parts of this one, msat
   * @ldk ScoreLookUp::channel_penalty_msat
   */
  edgePenalty(edge: number, amount: number, inFlight: number): number;
  /**
   * Less than this no edge asks for when `amount` passes, and not less by the msat that passes when less does. The
   * higher it is, the fewer edges a search has to look at. Absent: 0.
   */
  leastPenalty?(amount: number): number;
}
