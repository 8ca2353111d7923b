import type { Channel, Payment } from "./types.ts";

/** A node on the map; `ring` is how many hops it is from us. */
export interface MapNode {
  readonly id: string;
  readonly ring: number;
  readonly x: number;
  readonly y: number;
}

/** A channel on the map. */
export interface MapEdge {
  readonly from: string;
  readonly to: string;
  readonly isOwn: boolean;
  /** Whether the last payment went, or tried to go, this way. */
  readonly isRoute: boolean;
}

/** What of the network the node's channels and payments have shown. */
export interface NetworkMap {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
  /** The route of the last payment: nodes from us to the payee; empty when there was none. */
  readonly route: readonly string[];
}

const maxNodes = 200;

/** We are in the middle at 0, 0; others on rings by their distance, the outermost at 1. */
export function networkMap(
  own: string,
  channels: readonly Channel[],
  payments: readonly Payment[],
): NetworkMap {
  const paths = payments
    .filter(({ direction }) => direction === "sent")
    .flatMap(({ attempts }) => attempts.map(({ path }) => [own, ...path.map(({ nodeId }) => nodeId)]));
  const route = paths[0] ?? [];
  const routePairs = new Set(route.slice(1).map((to, index) => pair(route[index] ?? own, to)));
  const edges = new Map<string, MapEdge>();
  const add = (from: string, to: string, isOwn: boolean): void => {
    const name = pair(from, to);
    if (from !== to && !edges.has(name)) edges.set(name, { from, to, isOwn, isRoute: routePairs.has(name) });
  };
  for (const { peer, phase } of channels) if (phase !== "closed") add(own, peer, true);
  for (const path of paths) {
    for (const [index, to] of path.slice(1).entries()) add(path[index] ?? own, to, false);
  }
  const rings = ringsOf(own, [...edges.values()]);
  const nodes = placed(rings);
  const known = new Set(nodes.map(({ id }) => id));
  return {
    nodes,
    edges: [...edges.values()].filter(({ from, to }) => known.has(from) && known.has(to)),
    route,
  };
}

function pair(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}

/** Nodes by their distance from us, the nearest first. */
function ringsOf(own: string, edges: readonly MapEdge[]): readonly (readonly string[])[] {
  const neighbours = new Map<string, string[]>();
  for (const { from, to } of edges) {
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      const list = neighbours.get(one) ?? [];
      list.push(other);
      neighbours.set(one, list);
    }
  }
  const seen = new Set([own]);
  const rings: string[][] = [];
  for (let ring = [own]; ring.length > 0 && seen.size <= maxNodes; ) {
    rings.push(ring);
    const next: string[] = [];
    for (const id of ring.flatMap((node) => neighbours.get(node) ?? [])) {
      if (seen.has(id) || seen.size >= maxNodes) continue;
      seen.add(id);
      next.push(id);
    }
    ring = next;
  }
  return rings;
}

function placed(rings: readonly (readonly string[])[]): readonly MapNode[] {
  const outermost = Math.max(1, rings.length - 1);
  return rings.flatMap((ids, ring) =>
    ids.map((id, index) => {
      // Each ring is turned a little, so that a line of nodes does not run through the names.
      const angle = (2 * Math.PI * index) / ids.length - Math.PI / 2 + ring * 0.6;
      const radius = ring / outermost;
      return { id, ring, x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
    }),
  );
}
