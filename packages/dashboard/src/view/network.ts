import type { VNode } from "preact";
import { shortId } from "../model/format.ts";
import { type MapEdge, type MapNode, type NetworkMap, networkMap } from "../model/mapLayout.ts";
import type { NodeState } from "../model/store.ts";
import { h } from "./h.ts";

/** With more nodes, names stand beside those of the last payment's ways only. */
const maxNames = 30;

/** The network around the node, with the route of the last payment drawn. */
export function Network({ state }: { readonly state: NodeState }): VNode | null {
  const { info, graph, channels, payments } = state;
  if (info === undefined) return null;
  const map = networkMap({ own: info.nodeId, graph, channels, payments });
  const names = new Map(map.nodes.map(({ id, alias }) => [id, alias]));
  const nameOf = (id: string): string =>
    id === info.nodeId ? info.alias || "this node" : names.get(id) || id.slice(0, 8);
  return h("div", { class: "grid wide-first" }, [
    h("section", { class: "card" }, [
      h("h2", null, "Network"),
      h("p", { class: "quiet" }, sizeText(state, map)),
      h(NetworkDrawing, { map, nameOf }),
    ]),
    h("section", { class: "card" }, [
      h("h2", null, "Last route"),
      map.routes.length === 0
        ? h("p", { class: "quiet" }, "None yet. Pay an invoice, and see the way that it takes.")
        : h("p", { class: map.hasArrived ? "good" : "bad" }, map.hasArrived ? "Arrived." : "Did not arrive."),
      ...map.routes.map((route, index) =>
        h("div", null, [
          map.routes.length > 1 ? h("h3", null, `Part ${index + 1}`) : null,
          h(
            "ol",
            { class: "timeline" },
            route.map((id) =>
              h("li", null, [
                h("strong", null, nameOf(id)),
                h("div", { class: "id quiet", title: id }, shortId(id)),
              ]),
            ),
          ),
        ]),
      ),
    ]),
  ]);
}

function sizeText({ info }: NodeState, { nodes }: NetworkMap): string {
  const known = info?.graph.nodes ?? 0;
  const part = nodes.length < known ? ` Drawn are ${nodes.length} nodes around it.` : "";
  return `The node has heard of ${known} nodes and ${info?.graph.channels ?? 0} channels.${part}`;
}

interface Drawing {
  readonly map: NetworkMap;
  readonly nameOf: (id: string) => string;
}

function NetworkDrawing({ map, nameOf }: Drawing): VNode {
  const { nodes, edges, routes } = map;
  const places = new Map(nodes.map((node) => [node.id, { x: 50 + node.x * 40, y: 50 + node.y * 40 }]));
  const placeOf = (id: string): { readonly x: number; readonly y: number } =>
    places.get(id) ?? { x: 50, y: 50 };
  const way = routes.map((route) => route.map(nameOf).join(" to ")).join("; ");
  const label = `Map of ${nodes.length} nodes.${way === "" ? "" : ` The last payment went from ${way}.`}`;
  // What is drawn later lies above.
  const inOrder = [...edges].sort((a, b) => weight(a) - weight(b));
  const heights = nodes.map(({ id }) => placeOf(id).y);
  const top = Math.min(35, ...heights) - 10;
  const bottom = Math.max(65, ...heights) + 10;
  const viewBox = `0 ${top} 100 ${bottom - top}`;
  return h("svg", { class: "map", viewBox, role: "img", "aria-label": label }, [
    ...inOrder.map((edge) => {
      const [from, to] = [placeOf(edge.from), placeOf(edge.to)];
      const name = edge.isRoute ? "route" : edge.isOwn ? "own" : "other";
      return h("line", { class: name, x1: from.x, y1: from.y, x2: to.x, y2: to.y });
    }),
    ...nodes.map((node) => {
      const isNamed = node.ring === 0 || node.isOnRoute || nodes.length <= maxNames;
      return h(Dot, { node, at: placeOf(node.id), name: nameOf(node.id), isNamed });
    }),
  ]);
}

function weight({ isRoute, isOwn }: MapEdge): number {
  return isRoute ? 2 : isOwn ? 1 : 0;
}

function Dot({
  node: { id, ring, isOnRoute },
  at,
  name,
  isNamed,
}: {
  readonly node: MapNode;
  readonly at: { readonly x: number; readonly y: number };
  readonly name: string;
  readonly isNamed: boolean;
}): VNode {
  // Names stand away from the middle, and none leaves the picture.
  const anchor = at.x > 88 ? "end" : at.x < 12 ? "start" : "middle";
  const shown = name.length > 16 ? `${name.slice(0, 15)}…` : name;
  return h("g", null, [
    h("title", null, `${name} ${id}`),
    h("circle", {
      cx: at.x,
      cy: at.y,
      r: ring === 0 ? 2.4 : isNamed ? 1.8 : 0.9,
      class: isOnRoute ? "route" : ring === 0 ? "own" : "other",
    }),
    isNamed
      ? h("text", { x: at.x, y: at.y + (ring === 0 || at.y < 50 ? -4 : 6), "text-anchor": anchor }, shown)
      : null,
  ]);
}
