import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BlindedPaymentPath } from "@fulmen/lightning/onion";
import { findRoute, type Payee } from "@fulmen/lightning/routing";
import { msat, type NodeId, noBytes } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import { PlainGraph, plainChannel, plainTerms } from "../gossip/plainGraph.ts";
import { blindedHop, checkRoute, firstHop, mppFeatures, node, partsOf, request, scid } from "./routes.ts";

const [a, b, c, d] = [node("A"), node("B"), node("C"), node("D")];
const graph = new PlainGraph([
  plainChannel(3n, [b, d], { from: plainTerms({ cltvExpiryDelta: 40, feeBaseMsat: 20 }) }),
  plainChannel(4n, [c, d], { from: plainTerms({ cltvExpiryDelta: 40, feeBaseMsat: 30 }) }),
]);
const firstHops = [firstHop(1, b, 10 ** 6), firstHop(2, c, 10 ** 6)];

function blinded(
  introduction: NodeId | BlindedPaymentPath["introductionNode"],
  payinfo: Partial<BlindedPaymentPath["payinfo"]> = {},
  fill = 1,
): BlindedPaymentPath {
  return {
    introductionNode:
      typeof introduction === "string" ? { kind: "node-id", nodeId: introduction } : introduction,
    pathKey: blindedHop(fill).blindedNodeId,
    blindedHops: [blindedHop(fill), blindedHop(fill + 1)],
    payinfo: {
      feeBase: msat(100),
      feeProportionalMillionths: 10_000,
      cltvExpiryDelta: 130,
      htlcMinimum: msat(10),
      htlcMaximum: msat(5_000),
      features: noBytes,
      ...payinfo,
    },
  };
}

function to(paths: readonly BlindedPaymentPath[], amount: number, failed: readonly number[] = []) {
  const payee: Payee = { kind: "blinded", paths, features: mppFeatures };
  const limits = { previouslyFailedBlindedPathIndexes: failed };
  return request({ payer: a, payee, amount, firstHops, limits });
}

function route(...asked: Parameters<typeof to>) {
  const found = findRoute(to(...asked), graph);
  if (found.ok) checkRoute(found.value, to(...asked), graph);
  return found.ok ? found.value : found.error.kind;
}

describe("a blinded payee", () => {
  test("is paid through the introduction node, which is given the fees and the blocks of the whole path", () => {
    const path = blinded(d);
    const found = route([path], 1_000);
    assert.ok(typeof found !== "string");
    assert.deepEqual(found.paths, [
      {
        hops: [
          { nodeId: b, shortChannelId: 1n, fee: 20n, cltvExpiryDelta: 40 },
          { nodeId: d, shortChannelId: 3n, fee: 110n, cltvExpiryDelta: 130 },
        ],
        blindedTail: {
          hops: path.blindedHops,
          pathKey: path.pathKey,
          excessFinalCltvExpiryDelta: 0,
          finalValue: 1_000n,
        },
      },
    ]);
  });

  test("may be our peer, or be named by a channel", () => {
    const atPeer = route([blinded(b)], 1_000);
    assert.ok(typeof atPeer !== "string");
    assert.deepEqual(
      atPeer.paths[0]?.hops.map(({ shortChannelId, fee }) => [shortChannelId, fee]),
      [[1n, 110n]],
    );
    const direction = d < b ? 0 : 1;
    const named = route([blinded({ kind: "directed-scid", direction, shortChannelId: scid(3) })], 1_000);
    assert.ok(typeof named !== "string");
    assert.equal(named.paths[0]?.hops.at(-1)?.nodeId, d);
    assert.equal(
      route([blinded({ kind: "directed-scid", direction, shortChannelId: scid(99) })], 1_000),
      "no-route",
    );
  });

  test("gets nothing outside a path's limits, by a failed one, or one that asks for what we do not know", () => {
    assert.equal(route([blinded(d)], 9), "no-route");
    assert.equal(route([blinded(d)], 5_001), "no-route");
    assert.equal(route([blinded(d)], 100, [0]), "no-route");
    assert.equal(route([blinded(d, { features: Features.ofBits([1_000]).toBytes() })], 100), "no-route");
    assert.equal(route([blinded(d, { cltvExpiryDelta: 969 })], 100), "no-route");
    assert.ok(typeof route([blinded(d, { cltvExpiryDelta: 968 })], 100) !== "string");
    assert.equal(route([blinded(a)], 100), "no-route");
    assert.equal(route([], 100), "invalid-parameters");
    const second = route([blinded(d), blinded(d, { feeBase: msat(500) }, 7)], 100, [0]);
    assert.ok(typeof second !== "string");
    assert.equal(second.paths[0]?.blindedTail?.pathKey[0], 7);
  });

  test("gets parts over several paths, and no path more than it takes", () => {
    const paths = [blinded(d), blinded(c, { htlcMaximum: msat(3_000) }, 7)];
    const found = route(paths, 8_000);
    assert.ok(typeof found !== "string");
    assert.deepEqual(
      partsOf(found).map(([, amount]) => amount),
      [3_000, 5_000],
    );
    assert.equal(route(paths, 8_001), "no-route");
  });

  test("may have no hop but itself", () => {
    const alone = { ...blinded(d, { feeBase: msat(0), feeProportionalMillionths: 0, cltvExpiryDelta: 42 }) };
    const found = route([{ ...alone, blindedHops: alone.blindedHops.slice(0, 1) }], 1_000);
    assert.ok(typeof found !== "string");
    const [path] = found.paths;
    assert.deepEqual(path?.hops.at(-1), { nodeId: d, shortChannelId: 3n, fee: 0n, cltvExpiryDelta: 42 });
    assert.equal(path?.blindedTail?.hops.length, 1);
  });
});

describe("a thousand of them", () => {
  const many = Array.from({ length: 1_000 }, (_, i) => node(`hidden ${i}`));
  /** Milliseconds of the fastest of three. */
  const timeOf = (run: () => unknown): number => {
    const times = [0, 0, 0].map(() => {
      const start = performance.now();
      run();
      return performance.now() - start;
    });
    return Math.min(...times);
  };

  test("blinded paths, or hints, in one invoice keep a search busy for a moment only", () => {
    const mostly = [...many.slice(1), d].map((id) => blinded(id));
    const asked = to(mostly, 100);
    assert.ok(findRoute(asked, graph).ok);
    assert.ok(timeOf(() => findRoute(asked, graph)) < 100);
    assert.ok(timeOf(() => findRoute(to(mostly.slice(0, -1), 100), graph)) < 100);

    const hint = { feeBaseMsat: 1, feeProportionalMillionths: 1, cltvExpiryDelta: 1 };
    const routeHints = many.map((id, i) =>
      many.slice(0, 20).map((_, j) => ({
        nodeId: many[(i + 7 * j) % 1_000] ?? id,
        shortChannelId: scid(1_000 + i),
        ...hint,
      })),
    );
    const payee = { kind: "clear", nodeId: node("E"), routeHints, finalCltvExpiryDelta: 18 } as const;
    const hinted = request({ payer: a, payee, amount: 100, firstHops });
    assert.equal(findRoute(hinted, graph).ok, false);
    const time = timeOf(() => findRoute(hinted, graph));
    assert.ok(time < 1_000, `${time} ms`);
  });
});
