import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  buildRandomWalkProbePath,
  buildRouteFromHops,
  type FirstHop,
  findRoute,
  HighDegreeProbes,
  Prober,
  type ProbeStrategy,
  paymentParameters,
  RandomWalkProbes,
  type RouteRequest,
} from "@fulmen/lightning/routing";
import {
  InvariantError,
  type Msat,
  msat,
  type NodeId,
  type ShortChannelId,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import { type ArrayChannel, arrayGraph } from "./scoring/arrayGraph.ts";

const nodes = Array.from({ length: 8 }, (_, i) => `02${String(i).repeat(64)}` as NodeId);
const node = (place: number): NodeId => nodes[place] ?? nodes[0] ?? ("" as NodeId);
const payer = node(0);
const at = (seconds: number) => seconds as UnixSeconds;

/** Bytes that look random and are the same each time. */
function entropyOf(seed: number) {
  let state = seed;
  return {
    randomBytes(length: number): Uint8Array {
      return Uint8Array.from({ length }, () => {
        state = (state * 48_271) % 2_147_483_647;
        return (state >> 8) & 0xff;
      });
    },
  };
}

const capacity = 100_000_000;
const channel = (one: number, two: number, changes: Partial<ArrayChannel> = {}): ArrayChannel => ({
  id: 100 * one + two,
  one,
  two,
  capacity,
  htlcMaxima: [capacity, capacity],
  feeBaseMsat: 1_000,
  feeProportionalMillionths: 100,
  ...changes,
});

/** Ours is with node 1; from there on it is a ring of 1, 2, 3, 4, with a chord, and node 5 behind 4. */
const ring = [
  channel(0, 1),
  channel(1, 2),
  channel(2, 3),
  channel(3, 4),
  channel(1, 4),
  channel(2, 4),
  channel(4, 5),
];
const own: FirstHop = {
  counterparty: node(1),
  shortChannelId: 1n as ShortChannelId,
  minimum: msat(1),
  maximum: msat(capacity),
};
const walkOf = (channels: readonly ArrayChannel[], changes: object = {}, seed = 1) =>
  buildRandomWalkProbePath(
    { payer, firstHops: [own], amount: msat(1_000_000), hops: 4, entropy: entropyOf(seed), ...changes },
    arrayGraph(nodes, channels),
  );

describe("a random walk for a probe", () => {
  it("goes over channels that follow one another, never to a node twice, and pays what they ask", () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) {
      const walk = walkOf(ring, {}, seed);
      if (!walk.ok) continue;
      const { hops } = walk.value;
      assert.equal(hops.length, 4);
      const places = [0, ...hops.map(({ nodeId }) => nodes.indexOf(nodeId))];
      assert.equal(new Set(places).size, places.length);
      for (const [i, { shortChannelId }] of hops.entries()) {
        if (i === 0) continue;
        const ends = [places[i] ?? 0, places[i + 1] ?? 0].sort();
        assert.equal(shortChannelId, BigInt(100 * (ends[0] ?? 0) + (ends[1] ?? 0)));
      }
      let passes = 1_000_000;
      for (const { fee } of hops.slice(0, -1).reverse()) {
        assert.equal(Number(fee), 1_000 + Math.floor((passes * 100) / 1_000_000));
        passes += Number(fee);
      }
      assert.deepEqual(
        hops.slice(0, -1).map(({ cltvExpiryDelta }) => cltvExpiryDelta),
        [40, 40, 40],
      );
      const last = hops.at(-1)?.cltvExpiryDelta ?? 0;
      assert.ok(last > 42 && last <= 42 + 3 * 144, "the end is hidden behind some blocks more");
      seen.add(places.join());
    }
    assert.ok(seen.size >= 5, `only ${[...seen].join(" ")}`);
  });

  it("takes no channel that is closed one way, too small, too dear or barred", () => {
    const unfit: readonly Partial<ArrayChannel>[] = [
      { enabled: [true, false] },
      { htlcMaxima: [capacity, undefined] },
      { htlcMaxima: [999_999, capacity] },
      { htlcMinimum: 1_000_001 },
      { feeBaseMsat: 500_001 },
      { cltvExpiryDelta: 2_000 },
    ];
    for (const changes of unfit) {
      const walk = walkOf([channel(0, 1), channel(1, 2, changes)], { hops: 2 });
      assert.ok(!walk.ok && walk.error.kind === "no-route", JSON.stringify(changes));
    }
    assert.ok(walkOf([channel(0, 1), channel(1, 2)], { hops: 2 }).ok);
  });

  it("starts with a channel of ours that carries twice the amount", () => {
    const ring2 = [channel(0, 1), channel(1, 2)];
    for (const maximum of [msat(1_999_999), msat(2_000_000)]) {
      const walk = walkOf(ring2, { hops: 2, firstHops: [{ ...own, maximum }] });
      assert.equal(walk.ok, maximum === 2_000_000n);
    }
    assert.ok(!walkOf(ring2, { firstHops: [] }).ok);
  });

  it("is given up when all fees together are more than the first channel carries", () => {
    const dear = { feeBaseMsat: 450_000 };
    const line = [channel(0, 1), channel(1, 2, dear), channel(2, 3, dear), channel(3, 4, dear)];
    for (const [maximum, fits] of [
      [msat(2_000_000), false],
      [msat(2_400_000), true],
    ] as const) {
      assert.equal(walkOf(line, { firstHops: [{ ...own, maximum }] }).ok, fits);
    }
  });

  it("ends without a path where it ends too soon", () => {
    const walk = walkOf([channel(0, 1), channel(1, 2)], { hops: 9 });
    assert.ok(!walk.ok && /ends after 2 hops of 9/.test(walk.error.text));
    // No fewer than two, and no more than fit.
    const short = walkOf([channel(0, 1), channel(1, 2)], { hops: 0 });
    assert.ok(short.ok && short.value.hops.length === 2);
  });
});

describe("strategies for probes", () => {
  const graph = arrayGraph(nodes, ring);
  const source = () => ({ payer, firstHops: [own], inFlightHtlcs: [] });
  const router = { findRoute: (request: RouteRequest) => findRoute(request, graph) };

  it("walk at random, within their amounts and lengths", () => {
    const probes = new RandomWalkProbes({
      graph,
      source,
      entropy: entropyOf(3),
      amounts: [5_000, 6_000],
      maxHops: 3,
    });
    const lengths = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const probe = probes.nextProbe();
      if (!probe.ok) continue;
      lengths.add(probe.value.hops.length);
      const amount = probe.value.hops.at(-1)?.fee ?? 0n;
      assert.ok(amount >= 5_000n && amount <= 6_000n);
    }
    assert.deepEqual([...lengths].sort(), [2, 3]);
  });

  it("go to the nodes with most channels in turn, and begin again when all had theirs", () => {
    const probes = new HighDegreeProbes({
      graph,
      source,
      router,
      entropy: entropyOf(3),
      topNodes: 3,
      cooldown: 100,
    });
    const targetAt = (now: number) => {
      const probe = probes.nextProbe(at(now));
      return probe.ok ? nodes.indexOf(probe.value.hops.at(-1)?.nodeId ?? payer) : probe.error.text;
    };
    // Node 4 has four channels, 1 and 2 have three; 1 is our peer.
    assert.equal(targetAt(0), 4);
    assert.match(String(targetAt(1)), /is our peer/);
    assert.equal(targetAt(2), 2);
    assert.equal(targetAt(3), 4);
    assert.match(String(targetAt(4)), /is our peer/);
    // Once it may be probed again, the first one is.
    assert.equal(targetAt(103), 4);
  });

  it("leave our channel enough for payments", () => {
    const tight = () => ({ ...source(), firstHops: [{ ...own, maximum: msat(20_000_000) }] });
    const common = { graph, router, entropy: entropyOf(3), source: tight };
    const probe = new HighDegreeProbes({ ...common, amounts: [8_000_000, 8_000_000] }).nextProbe(at(0));
    assert.ok(!probe.ok && /too much/.test(probe.error.text));
    const small = new HighDegreeProbes({ ...common, amounts: [6_000_000, 6_000_000] }).nextProbe(at(0));
    assert.ok(small.ok);
  });

  it("have nothing to do in an empty graph", () => {
    const empty = arrayGraph([], []);
    assert.ok(
      !new HighDegreeProbes({ graph: empty, source, router, entropy: entropyOf(1) }).nextProbe(at(0)).ok,
    );
    assert.ok(!new RandomWalkProbes({ graph: empty, source, entropy: entropyOf(1) }).nextProbe().ok);
  });
});

describe("a prober", () => {
  const path = { hops: [1, 2].map((place) => hopTo(place, 500)) };
  const strategy: ProbeStrategy = { nextProbe: () => ({ ok: true, value: path }) };
  const sent: unknown[] = [];
  const proberWith = (changes: Partial<ConstructorParameters<typeof Prober>[0]> = {}) =>
    new Prober({
      strategy,
      sendProbe: (probe) => sent.push(probe),
      probesInFlight: () => ({ amount: msat(0) }),
      ...changes,
    });

  it("sends one in each interval, whatever the clock does", () => {
    const prober = proberWith({ interval: 10 });
    const kinds = [100, 101, 109, 110, 105, 114, 115, 50, 59, 60].map((now) => prober.tick(at(now)).kind);
    const [w, s] = ["waiting", "sent"];
    assert.deepEqual(kinds, [s, w, w, s, w, w, s, w, w, s]);
  });

  it("binds no more than it may", () => {
    let inFlight: Msat = msat(0);
    const prober = proberWith({
      interval: 1,
      maxInFlight: msat(2_000),
      probesInFlight: () => ({ amount: inFlight }),
    });
    assert.equal(prober.tick(at(1)).kind, "sent");
    inFlight = msat(1_000);
    assert.equal(prober.tick(at(2)).kind, "sent");
    inFlight = msat(1_001);
    assert.deepEqual(prober.tick(at(3)), {
      kind: "skipped",
      text: "probes would bind 2001 msat, at most 2000 are allowed",
    });
  });

  it("goes on where there is no path, or our channel takes none, but not over a bug", () => {
    const none = proberWith({
      strategy: { nextProbe: () => ({ ok: false, error: { kind: "no-route", text: "nowhere" } }) },
    });
    assert.deepEqual(none.tick(at(1)), { kind: "skipped", text: "nowhere" });
    const fails = (error: Error) =>
      proberWith({
        sendProbe: () => {
          throw error;
        },
      });
    assert.deepEqual(fails(new Error("full")).tick(at(1)), { kind: "skipped", text: "full" });
    assert.throws(() => fails(new InvariantError("bug")).tick(at(1)), InvariantError);
  });
});

describe("a route over given nodes", () => {
  const graph = arrayGraph(nodes, ring);
  const routeOver = (places: readonly number[], payee = places.at(-1) ?? 0) => {
    const request: RouteRequest = {
      payer,
      parameters: {
        paymentParameters: paymentParameters({
          kind: "clear",
          nodeId: node(payee),
          routeHints: [],
          finalCltvExpiryDelta: 42,
        }),
        finalValue: msat(1_000_000),
        maxFee: msat(100_000),
      },
      firstHops: [own],
      inFlightHtlcs: [],
    };
    const route = buildRouteFromHops(places.map(node), request, graph);
    return route.ok
      ? route.value.paths[0]?.hops.map(({ nodeId }) => nodes.indexOf(nodeId))
      : route.error.kind;
  };

  it("takes them all, though there is a shorter way", () => {
    assert.deepEqual(routeOver([1, 2, 3, 4, 5]), [1, 2, 3, 4, 5]);
    assert.deepEqual(routeOver([1, 4, 5]), [1, 4, 5]);
  });

  it("is refused where no channel leads from one to the next, or they do not lead to the payee", () => {
    assert.equal(routeOver([1, 3, 4]), "no-route");
    assert.equal(routeOver([2, 3, 4]), "no-first-hop");
    assert.equal(routeOver([1, 2], 3), "invalid-parameters");
    assert.equal(routeOver(Array(20).fill(1)), "invalid-parameters");
  });
});

function hopTo(place: number, fee: number) {
  return {
    nodeId: node(place),
    shortChannelId: BigInt(place) as ShortChannelId,
    fee: msat(fee),
    cltvExpiryDelta: 40,
  };
}
