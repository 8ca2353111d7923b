import type { Channel, Graph, Payment } from "./types.ts";

/** A node on the map; `ring` is how many channels it is from us. */
export interface MapNode {
  readonly id: string;
  readonly alias?: string;
  readonly ring: number;
  readonly x: number;
  readonly y: number;
  readonly isOnRoute: boolean;
}

/** A channel on the map, or several between the same nodes. */
export interface MapEdge {
  readonly from: string;
  readonly to: string;
  readonly isOwn: boolean;
  /** Whether the last payment went, or tried to go, this way. */
  readonly isRoute: boolean;
}

/** The network around the node, with the ways of its last payment. */
export interface NetworkMap {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
  /** Of the last payment, a way for each part: nodes from us to the payee. */
  readonly routes: readonly (readonly string[])[];
  /** Whether the payment arrived. */
  readonly hasArrived: boolean;
}

/** What is known of the network. */
export interface KnownNetwork {
  readonly own: string;
  readonly graph: Graph;
  readonly channels: readonly Channel[];
  /** The newest first. */
  readonly payments: readonly Payment[];
}

const maxNodes = 200;

/**
 * We are in the middle at 0, 0; others on rings by their distance, the outermost at 1, each beyond the node that it is
 * reached through. The same network is drawn in the same way.
 */
export function networkMap({ own, graph, channels, payments }: KnownNetwork): NetworkMap {
  const { routes, hasArrived } = lastRoutes(own, payments);
  const onRoute = new Set(routes.flat());
  const routePairs = new Set(
    routes.flatMap((route) => route.slice(1).map((to, index) => pair(route[index] ?? own, to))),
  );
  const edges = new Map<string, MapEdge>();
  const add = (from: string, to: string, isOwn: boolean): void => {
    const name = pair(from, to);
    if (from !== to && !edges.has(name)) edges.set(name, { from, to, isOwn, isRoute: routePairs.has(name) });
  };
  // Ways come first: whatever else is left out, they are drawn.
  for (const route of routes)
    for (const [index, to] of route.slice(1).entries()) add(route[index] ?? own, to, index === 0);
  for (const { peer, phase } of channels) if (phase !== "closed") add(own, peer, true);
  for (const { nodes } of graph.channels) add(nodes[0], nodes[1], nodes.includes(own));
  const tree = treeOf(own, routes, [...edges.values()]);
  const aliases = new Map(graph.nodes.map(({ nodeId, alias }) => [nodeId, alias]));
  const nodes = placed(own, tree).map((node) => {
    const alias = aliases.get(node.id);
    return { ...node, ...(alias !== undefined && { alias }), isOnRoute: onRoute.has(node.id) };
  });
  const known = new Set(nodes.map(({ id }) => id));
  return {
    nodes,
    edges: [...edges.values()].filter(({ from, to }) => known.has(from) && known.has(to)),
    routes,
    hasArrived,
  };
}

/** The ways that the last payment took; where it failed, the last one that was tried. */
function lastRoutes(own: string, payments: readonly Payment[]): Pick<NetworkMap, "routes" | "hasArrived"> {
  const last = payments.find(({ direction, attempts }) => direction === "sent" && attempts.length > 0);
  const attempts = last?.attempts ?? [];
  const arrived = attempts.filter(({ succeeded }) => succeeded);
  const shown = arrived.length > 0 ? arrived : attempts.slice(0, 1);
  return {
    routes: shown.map(({ path }) => [own, ...path.map(({ nodeId }) => nodeId)]),
    hasArrived: arrived.length > 0,
  };
}

function pair(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}

/** Each node with those that are reached through it: the ways first, then the nearest; no more than can be seen. */
function treeOf(
  own: string,
  routes: NetworkMap["routes"],
  edges: readonly MapEdge[],
): ReadonlyMap<string, readonly string[]> {
  const neighbours = new Map<string, string[]>();
  for (const { from, to } of edges) {
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      const known = neighbours.get(one);
      if (known === undefined) neighbours.set(one, [other]);
      else known.push(other);
    }
  }
  const tree = new Map<string, string[]>([[own, []]]);
  for (const route of routes) {
    for (const [index, id] of route.slice(1, maxNodes).entries()) {
      if (tree.has(id)) continue;
      tree.set(id, []);
      tree.get(route[index] ?? own)?.push(id);
    }
  }
  // A map is walked in the order of what was added, also of what is added meanwhile.
  for (const [id, beyond] of tree) {
    for (const other of neighbours.get(id) ?? []) {
      if (tree.has(other) || tree.size >= maxNodes) continue;
      tree.set(other, []);
      beyond.push(other);
    }
  }
  return tree;
}

/** Each node has a part of its ring as wide as what lies beyond it needs. */
function placed(
  own: string,
  tree: ReadonlyMap<string, readonly string[]>,
): readonly Omit<MapNode, "isOnRoute" | "alias">[] {
  const widths = new Map<string, number>();
  for (const [id, beyond] of [...tree].reverse())
    widths.set(
      id,
      Math.max(
        1,
        beyond.reduce((sum, other) => sum + (widths.get(other) ?? 1), 0),
      ),
    );
  const found: { id: string; ring: number; from: number; to: number }[] = [
    { id: own, ring: 0, ...circleOf(tree.get(own)?.length ?? 0) },
  ];
  for (const { id, ring, from, to } of found) {
    const scale = (to - from) / (widths.get(id) ?? 1);
    let start = from;
    for (const other of tree.get(id) ?? []) {
      const end = start + (widths.get(other) ?? 1) * scale;
      found.push({ id: other, ring: ring + 1, from: start, to: end });
      start = end;
    }
  }
  const outermost = Math.max(1, ...found.map(({ ring }) => ring));
  return found.map(({ id, ring, from, to }) => {
    const angle = (from + to) / 2;
    const radius = ring / outermost;
    return { id, ring, x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
  });
}

/**
 * The part of the circle that we use for so many peers: two stand so that a line between them does not run through us.
 */
function circleOf(peers: number): { readonly from: number; readonly to: number } {
  if (peers === 1) return { from: -Math.PI, to: Math.PI };
  const half = peers === 2 ? (2 * Math.PI) / 3 : Math.PI;
  return { from: Math.PI / 2 - half, to: Math.PI / 2 + half };
}
