import type { NodeId } from "../util/ids.ts";
import { formatShortChannelId } from "../util/shortChannelId.ts";
import type { Msat } from "../util/units.ts";
import type { HopExplanation, PathExplanation, RouteExplanation } from "./routeExplanation.ts";
import type { EdgeOutlook, PenaltyParts } from "./scoring/index.ts";

/** An explanation in words: a line for the route, one for each part, and one or more for each hop. */
export function explanationText({
  finalValue,
  fees,
  probability,
  paths,
}: Omit<RouteExplanation, "text">): string {
  const parts = paths.length === 1 ? "in one part" : `in ${paths.length} parts`;
  const lines = [
    `${sats(finalValue)} ${parts} for ${sats(fees)} of fees; arrives with a chance of ${percent(probability)}`,
  ];
  for (const [i, path] of paths.entries()) lines.push(...pathLines(path, i, paths.length));
  return lines.join("\n");
}

function pathLines(path: PathExplanation, i: number, count: number): readonly string[] {
  const { finalValue, fees, probability, hops, blindedHops } = path;
  const lines: string[] = [];
  if (count > 1) {
    lines.push(
      `part ${i + 1}: ${sats(finalValue)} for ${sats(fees)} of fees, chance ${percent(probability)}`,
    );
  }
  for (const [place, hop] of hops.entries()) {
    const start = `${count > 1 ? "  " : ""}${place + 1}. ${formatShortChannelId(hop.shortChannelId)}`;
    lines.push(`${start} ${shortId(hop.source)} -> ${shortId(hop.target)}: ${hopText(hop)}`);
  }
  if (blindedHops > 0)
    lines.push(`${count > 1 ? "  " : ""}then ${blindedHops} hops that only the payee knows`);
  return lines;
}

function hopText({ kind, source, amount, inFlight, fee, penalty, outlook }: HopExplanation): string {
  const others = inFlight > 0n ? `, and ${sats(inFlight)} of other HTLCs` : "";
  if (kind === "own") return `our channel, ${sats(amount)}${others}`;
  const price = `${sats(amount)}${others}; ${shortId(source)} keeps ${sats(fee)}`;
  if (penalty === undefined || outlook === undefined) return `${price}; the payee told of this channel`;
  return `${price}; ${outlookText(outlook)}; ${penaltyText(penalty.total, penalty.parts)}`;
}

function outlookText({ min, max, capacity, basis, probability }: EdgeOutlook): string {
  const holds =
    basis === "capacity"
      ? `nothing is known but its size of ${sats(capacity)}`
      : `thought to hold ${sats(min)} to ${sats(max)} of ${sats(capacity)}`;
  const why = basis === "history" ? " by its history" : "";
  return `${holds}; carries it with ${percent(probability)}${why}`;
}

const partNames: Readonly<Record<keyof PenaltyParts, string>> = {
  base: "for the hop and the amount",
  antiProbing: "since half of it may pass at once",
  liquidity: "for its present bounds",
  consideredImpossible: "since it is thought to hold less",
  historicalLiquidity: "for the chance to fail",
  probingDiversity: "since it was tried lately",
  manual: "by the user's wish",
};

function penaltyText(total: number, parts: PenaltyParts): string {
  const names = Object.keys(partNames) as (keyof PenaltyParts)[];
  const reasons = names
    .filter((name) => parts[name] !== 0)
    .map((name) => `${sats(parts[name])} ${partNames[name]}`);
  return reasons.length === 0 ? "no penalty" : `penalty ${sats(total)}: ${reasons.join(", ")}`;
}

/** Satoshis, to the millisatoshi. */
function sats(amount: Msat | number): string {
  if (amount === Number.POSITIVE_INFINITY) return "all there is";
  const value = BigInt(typeof amount === "number" ? Math.round(amount) : amount);
  const rest = value % 1000n;
  const whole = String(value / 1000n).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return `${whole}${rest === 0n ? "" : `.${String(rest).padStart(3, "0")}`} sat`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0.995 || share < 0.1 ? 1 : 0)} %`;
}

function shortId(nodeId: NodeId): string {
  return nodeId.slice(0, 10);
}
