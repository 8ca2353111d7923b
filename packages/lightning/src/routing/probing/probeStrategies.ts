import type { EntropySource } from "../../chain/index.ts";
import type { RoutingGraph } from "../../gossip/index.ts";
import type { NodeId, UnixSeconds } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { msat, sum } from "../../util/units.ts";
import {
  defaultMaxFee,
  type Path,
  paymentParameters,
  type RouteRefusal,
  type RouteRequest,
  type Router,
} from "../route.ts";
import { draw } from "./draw.ts";
import { buildRandomWalkProbePath, finalProbeDelta } from "./randomWalk.ts";

/** Decides where the next probe goes. */
export interface ProbeStrategy {
  nextProbe(now: UnixSeconds): Result<Path, RouteRefusal>;
}

/** From where probes start: asked anew for each of them. */
export type ProbeSource = () => Pick<RouteRequest, "payer" | "firstHops" | "inFlightHtlcs">;

interface StrategyOptions {
  readonly graph: RoutingGraph;
  readonly source: ProbeSource;
  readonly entropy: EntropySource;
  /** Smallest and largest amount of a probe, msat. Default 1,000,000 and 10,000,000. */
  readonly amounts?: readonly [number, number];
}

const usualAmounts: readonly [number, number] = [1_000_000, 10_000_000];

export interface RandomWalkProbesOptions extends StrategyOptions {
  /** Most hops of a path, 2 to 19. Default 5. */
  readonly maxHops?: number;
}

/**
 * Probes go along random walks of 2 to `maxHops` hops: they find what a router that trusts its scorer would never try.
 * LDK's core has no such thing, LDK Node has.
 */
export class RandomWalkProbes implements ProbeStrategy {
  readonly #options: RandomWalkProbesOptions;

  constructor(options: RandomWalkProbesOptions) {
    this.#options = options;
  }

  nextProbe(): Result<Path, RouteRefusal> {
    const { graph, source, entropy, amounts = usualAmounts, maxHops = 5 } = this.#options;
    const { payer, firstHops } = source();
    const hops = draw(entropy, 2, Math.max(2, maxHops));
    const amount = msat(draw(entropy, ...amounts));
    return buildRandomWalkProbePath({ payer, firstHops, amount, hops, entropy }, graph);
  }
}

export interface HighDegreeProbesOptions extends StrategyOptions {
  /**
   * Finds the ways. A scorer with a `probingDiversityPenaltyMsat` makes it look for new ones:
   * `new DefaultRouter(graph, scorer.withFeeParameters(...))`.
   */
  readonly router: Pick<Router, "findRoute">;
  /** How many nodes are probed in turn: those with most channels. Default 100. */
  readonly topNodes?: number;
  /** Seconds before a node is probed again, as long as there are others. Default an hour. */
  readonly cooldown?: number;
  /** The first channel could carry so many times the probe: payments need it, too. Default 3. */
  readonly liquidityLimitMultiplier?: bigint;
}

/** Probes go to the nodes with most channels, one after the other: what most payments pass. */
export class HighDegreeProbes implements ProbeStrategy {
  readonly #options: HighDegreeProbesOptions;
  /** Nodes that were probed, and when; at most `topNodes`. */
  readonly #probed = new Map<NodeId, UnixSeconds>();

  constructor(options: HighDegreeProbesOptions) {
    this.#options = options;
  }

  nextProbe(now: UnixSeconds): Result<Path, RouteRefusal> {
    const { source, entropy, amounts = usualAmounts, router, liquidityLimitMultiplier = 3n } = this.#options;
    const from = source();
    const target = this.#nextTarget(from.payer, now);
    if (target === undefined) return err({ kind: "no-route", text: "the graph has no node to probe" });
    const finalValue = msat(draw(entropy, ...amounts));
    const payee = {
      kind: "clear",
      nodeId: target,
      routeHints: [],
      finalCltvExpiryDelta: finalProbeDelta,
    } as const;
    const parameters = {
      paymentParameters: paymentParameters(payee, { maxPathCount: 1 }),
      finalValue,
      maxFee: defaultMaxFee(finalValue),
    };
    const route = router.findRoute({ ...from, parameters, randomSeed: entropy.randomBytes(32) });
    if (!route.ok) return route;
    const path = route.value.paths[0];
    if (path === undefined || path.hops.length < 2) {
      return err({ kind: "no-route", text: `${target} is our peer: a probe would tell nothing` });
    }
    const sent = sum(path.hops.map(({ fee }) => fee));
    const first = from.firstHops.find(
      ({ shortChannelId }) => shortChannelId === path.hops[0]?.shortChannelId,
    );
    if (first !== undefined && sent * liquidityLimitMultiplier > first.maximum) {
      return err({ kind: "no-first-hop", text: `${sent} msat are too much of ${first.maximum}` });
    }
    return ok(path);
  }

  /** The one of most channels that was not probed lately; when all were, a new turn begins. */
  #nextTarget(payer: NodeId, now: UnixSeconds): NodeId | undefined {
    const { cooldown = 3_600 } = this.#options;
    for (const [nodeId, at] of this.#probed) if (now - at >= cooldown) this.#probed.delete(nodeId);
    const top = this.#topNodes(payer);
    let target = top.find((nodeId) => !this.#probed.has(nodeId));
    if (target === undefined) {
      this.#probed.clear();
      target = top[0];
    }
    if (target !== undefined) this.#probed.set(target, now);
    return target;
  }

  #topNodes(payer: NodeId): readonly NodeId[] {
    const { graph, topNodes = 100 } = this.#options;
    const { edgesIntoCount, nodeLimit } = graph;
    const own = graph.nodeCounter(payer);
    const counters: number[] = [];
    for (let counter = 0; counter < nodeLimit; counter++) {
      if (counter !== own && (edgesIntoCount[counter] ?? 0) > 0) counters.push(counter);
    }
    counters.sort((a, b) => (edgesIntoCount[b] ?? 0) - (edgesIntoCount[a] ?? 0) || a - b);
    return counters.slice(0, topNodes).map((counter) => graph.nodeIdOf(counter));
  }
}
