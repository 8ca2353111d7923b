import type { NodeId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { msat } from "../util/units.ts";
import type { Step } from "./cheapestPath.ts";
import { type Edge, feeFor } from "./edge.ts";
import type { Path, RouteHop } from "./route.ts";

/** One way to the payee, and what it is to bring there. */
export interface Part {
  /** From the payer's channel to the payee; `target` is where each one leads. */
  readonly steps: readonly {
    readonly edge: Edge;
    /** The most that it could carry when the way was found. */
    readonly maximum: number;
    readonly target: NodeId;
  }[];
  /** What reaches the payee. */
  readonly amount: number;
  /** What all nodes on the way keep. */
  readonly fee: number;
}

/** The way that the search found, to carry `amount`; `undefined` when it cannot. */
export function partAlong(steps: Part["steps"], amount: number): Part | undefined {
  const carried = amountsAlong(steps, amount);
  return carried && { steps, amount, fee: (carried[0] ?? amount) - amount };
}

/** The way from the payer on. */
export function stepsOf(from: Step): Part["steps"] {
  const steps: Part["steps"][number][] = [];
  for (let next = from.next; next !== undefined; next = next.step.next) {
    steps.push({ edge: next.edge, maximum: next.maximum, target: next.step.nodeId });
  }
  return steps;
}

/** What each edge carries when `amount` is to arrive; `undefined` when one of them does not take it. */
export function amountsAlong(steps: Part["steps"], amount: number): readonly number[] | undefined {
  const amounts: number[] = [];
  let carried = amount;
  for (let i = steps.length - 1; i >= 0; i--) {
    const { edge, maximum } = present(steps[i], "a step");
    if (carried < edge.minimum || carried > maximum) return undefined;
    amounts.push(carried);
    carried += feeFor(carried, edge.feeBaseMsat, edge.feeProportionalMillionths);
  }
  return amounts.reverse();
}

/** The part as hops: each with what its node keeps, and adds, for the one behind it. */
export function pathOf({ steps, amount }: Part, finalCltvExpiryDelta: number): Path {
  const carried = present(amountsAlong(steps, amount), "a part that its path carries");
  const blindedPath = steps.at(-1)?.edge.blindedPath;
  const clear = blindedPath === undefined ? steps : steps.slice(0, -1);
  const hops = clear.map(({ edge, target }, i): RouteHop => {
    const next = steps[i + 1]?.edge;
    return {
      nodeId: target,
      shortChannelId: edge.shortChannelId,
      fee: msat((carried[i] ?? 0) - (next === undefined ? 0 : (carried[i + 1] ?? 0))),
      cltvExpiryDelta: next?.cltvExpiryDelta ?? finalCltvExpiryDelta,
    };
  });
  if (blindedPath === undefined) return { hops };
  const { blindedHops, pathKey } = blindedPath;
  const finalValue = msat(amount);
  return { hops, blindedTail: { hops: blindedHops, pathKey, excessFinalCltvExpiryDelta: 0, finalValue } };
}
