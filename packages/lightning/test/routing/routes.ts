import assert from "node:assert/strict";
import {
  type FirstHop,
  feesOf,
  finalValueOf,
  type InFlightHtlcs,
  type Path,
  type Payee,
  type PaymentParameters,
  paymentParameters,
  type Route,
  type RouteRequest,
} from "@fulmen/lightning/routing";
import { type Msat, msat, type NodeId, type ShortChannelId } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import type { PlainGraph } from "../gossip/plainGraph.ts";

/** Shared by the tests of routes: requests in few words, and what every route must keep to. */

export const mppFeatures = Features.of({
  var_onion_optin: "required",
  payment_secret: "required",
  basic_mpp: "optional",
}).toBytes();

export function node(letter: string): NodeId {
  return `02${Buffer.from(letter.padEnd(32)).toString("hex")}` as NodeId;
}

export function scid(id: number): ShortChannelId {
  return BigInt(id) as ShortChannelId;
}

export function firstHop(id: number, counterparty: NodeId, maximum: number, minimum = 1): FirstHop {
  return { counterparty, shortChannelId: scid(id), minimum: msat(minimum), maximum: msat(maximum) };
}

export function clear(nodeId: NodeId): Payee {
  return { kind: "clear", nodeId, routeHints: [], features: mppFeatures, finalCltvExpiryDelta: 18 };
}

export interface Wish {
  readonly payer: NodeId;
  readonly payee: Payee;
  readonly amount: number;
  readonly firstHops: readonly FirstHop[];
  readonly maxFee?: number;
  readonly inFlightHtlcs?: readonly InFlightHtlcs[];
  readonly limits?: Partial<PaymentParameters>;
}

export function request(wish: Wish): RouteRequest {
  return {
    payer: wish.payer,
    parameters: {
      paymentParameters: paymentParameters(wish.payee, wish.limits),
      finalValue: msat(wish.amount),
      maxFee: msat(wish.maxFee ?? 1_000_000),
    },
    firstHops: wish.firstHops,
    inFlightHtlcs: wish.inFlightHtlcs ?? [],
  };
}

/** Amounts by the way they take, the smallest first: `[["1 2", 500], ...]`. */
export function partsOf({ paths }: Route): readonly (readonly [string, number])[] {
  return paths
    .map(
      (path) => [path.hops.map((hop) => hop.shortChannelId).join(" "), Number(finalValueOf(path))] as const,
    )
    .toSorted(([, a], [, b]) => a - b);
}

/** That the route brings the amount exactly, within all limits, and that no channel carries more than it can. */
export function checkRoute(
  route: Route,
  { payer, parameters, firstHops }: RouteRequest,
  graph: PlainGraph,
): void {
  const { paymentParameters: limits, finalValue, maxFee } = parameters;
  assert.ok(route.paths.length > 0 && route.paths.length <= limits.maxPathCount);
  assert.equal(total(route.paths.map(finalValueOf)), finalValue);
  assert.ok(total(route.paths.map(feesOf)) <= maxFee);
  const carried = new Map<string, bigint>();
  for (const { hops, blindedTail } of route.paths) {
    assert.ok(hops.length > 0 && hops.length <= limits.maxPathLength);
    let amount: bigint = total(hops.map(({ fee }) => fee)) + (blindedTail?.finalValue ?? 0n);
    let source = payer;
    assert.ok(
      hops.reduce((sum, hop) => sum + hop.cltvExpiryDelta, blindedTail?.excessFinalCltvExpiryDelta ?? 0) <=
        limits.maxTotalCltvExpiryDelta,
    );
    for (const { nodeId, shortChannelId, fee } of hops) {
      const key = `${shortChannelId} ${source}`;
      carried.set(key, (carried.get(key) ?? 0n) + amount);
      const first = firstHops.find((hop) => source === payer && hop.shortChannelId === shortChannelId);
      const channel = graph.channel(shortChannelId);
      const terms = channel?.nodeOne === source ? channel.oneToTwo : channel?.twoToOne;
      const isHinted =
        limits.payee.kind === "clear" &&
        limits.payee.routeHints.flat().some((hint) => hint.shortChannelId === shortChannelId);
      const [least, most] = first
        ? [first.minimum, first.maximum]
        : isHinted && terms === undefined
          ? [0n, 2n ** 64n]
          : [terms?.htlcMinimum ?? 0n, terms?.htlcMaximum ?? 0n];
      assert.ok(amount >= least && amount <= most, `channel ${shortChannelId} with ${amount}`);
      const holds = first
        ? first.maximum
        : channel?.capacity === undefined
          ? most
          : channel.capacity * 1_000n;
      assert.ok((carried.get(key) ?? 0n) <= holds, `channel ${shortChannelId} is full`);
      amount -= fee;
      source = nodeId;
    }
  }
}

function total(amounts: readonly Msat[]): bigint {
  return amounts.reduce<bigint>((sum, amount) => sum + amount, 0n);
}

export function blindedHop(fill: number): NonNullable<Path["blindedTail"]>["hops"][number] {
  return {
    blindedNodeId: new Uint8Array(33).fill(fill) as NonNullable<Path["blindedTail"]>["pathKey"],
    encryptedPayload: new Uint8Array(50).fill(fill),
  };
}
