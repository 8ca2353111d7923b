import type { ReadOnlyNetworkGraph } from "../gossip/index.ts";
import { err, ok, type Result } from "../util/result.ts";
import { msat } from "../util/units.ts";
import { cheapestPath, type PathLimits, type Step } from "./cheapestPath.ts";
import { Edges, toNumber } from "./edge.ts";
import type { Path, Route, RouteHop, RouteParameters, RouteRefusal } from "./route.ts";

/** What a block of delay is taken to cost, as a part of the amount: 15 billionths, as lnd has it. */
const riskPerBlock = 15e-9;
/** Makes expiries count for more than any fee: 10,000 bitcoin a block. */
const expiryFirst = 1e15;

/**
 * A way from `payer` to `payee` that carries the whole amount in one part: the cheapest by fees and, with little
 * weight, expiries; if that search finds none, the one with the nearest expiry.
 *
 * @ldk lightning::routing::router::find_route
 */
export function findRoute(
  parameters: RouteParameters,
  graph: ReadOnlyNetworkGraph,
): Result<Route, RouteRefusal> {
  const { payer, payee, amount, maxFee, finalCltvExpiryDelta, maxTotalCltvExpiryDelta } = parameters;
  if (payer === payee) return err({ kind: "payee-is-payer", text: `${payee} is ourselves` });
  const invalid = invalidParameter(parameters);
  if (invalid !== undefined) return err({ kind: "invalid-parameters", text: invalid });
  const edges = new Edges(parameters, graph);
  if (!edges.hasFirstHop) return err({ kind: "no-first-hop", text: "no channel of ours can be used" });
  const limits: PathLimits = {
    payer,
    payee,
    amount: Number(amount),
    finalCltvExpiryDelta,
    maxFee: toNumber(maxFee),
    maxTotalCltvExpiryDelta,
  };
  const path =
    cheapestPath(limits, edges, limits.amount * riskPerBlock) ?? cheapestPath(limits, edges, expiryFirst);
  if (path !== undefined) return ok({ paths: [pathOf(path, parameters)] });
  const within = `for at most ${maxFee} msat of fees and ${maxTotalCltvExpiryDelta} blocks`;
  return err({ kind: "no-route", text: `no way to bring ${amount} msat to ${payee} ${within}` });
}

function invalidParameter({
  amount,
  maxFee,
  finalCltvExpiryDelta,
  maxTotalCltvExpiryDelta,
}: RouteParameters): string | undefined {
  if (amount <= 0n || amount > BigInt(Number.MAX_SAFE_INTEGER)) return `cannot pay ${amount} msat`;
  if (maxFee < 0n) return `fees of at most ${maxFee} msat`;
  if (finalCltvExpiryDelta > maxTotalCltvExpiryDelta) {
    return `the recipient wants ${finalCltvExpiryDelta} blocks, at most ${maxTotalCltvExpiryDelta} are allowed`;
  }
  return undefined;
}

/** The steps as hops: each with what its node keeps, and adds, for the one behind it. */
function pathOf(from: Step, { amount, finalCltvExpiryDelta }: RouteParameters): Path {
  const hops: RouteHop[] = [];
  for (let next = from.next; next !== undefined; next = next.step.next) {
    const { edge, step } = next;
    hops.push({
      nodeId: step.nodeId,
      shortChannelId: edge.shortChannelId,
      fee: step.next === undefined ? amount : msat(step.amount - step.next.step.amount),
      cltvExpiryDelta: step.next === undefined ? finalCltvExpiryDelta : step.next.edge.cltvExpiryDelta,
    });
  }
  return { hops };
}
