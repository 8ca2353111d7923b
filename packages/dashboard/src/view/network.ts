import type { VNode } from "preact";
import { shortId } from "../model/format.ts";
import { networkMap } from "../model/mapLayout.ts";
import type { NodeState } from "../model/store.ts";
import { h } from "./h.ts";

/** What channels and payments have shown of the network, with the route of the last payment drawn. */
export function Network({
  state: { info, channels, payments },
}: {
  readonly state: NodeState;
}): VNode | null {
  if (info === undefined) return null;
  const { nodes, edges, route } = networkMap(info.nodeId, channels, payments);
  const places = new Map(nodes.map((node) => [node.id, { x: 50 + node.x * 38, y: 50 + node.y * 38 }]));
  const onRoute = new Set(route);
  const name = (id: string): string => (id === info.nodeId ? info.alias || "this node" : id.slice(0, 8));
  const words =
    route.length === 0
      ? "No payment was sent yet."
      : `The last payment went: ${route.map(name).join(" → ")}.`;
  return h("section", { class: "card" }, [
    h("h2", null, "Network"),
    h(
      "p",
      { class: "quiet" },
      `The node knows ${info.graph.nodes} nodes and ${info.graph.channels} channels. Drawn are its own channels and the ways of its last payments.`,
    ),
    h("p", null, words),
    h(
      "svg",
      {
        class: "map",
        viewBox: "0 0 100 100",
        role: "img",
        "aria-label": `Map of ${nodes.length} nodes. ${words}`,
      },
      [
        ...edges.map(({ from, to, isRoute, isOwn }) => {
          const [a, b] = [places.get(from), places.get(to)];
          return h("line", {
            x1: a?.x,
            y1: a?.y,
            x2: b?.x,
            y2: b?.y,
            stroke: isRoute ? "var(--pending)" : "var(--line)",
            "stroke-width": isRoute ? 1.2 : isOwn ? 0.6 : 0.3,
          });
        }),
        ...nodes.map(({ id, ring }) => {
          const at = places.get(id);
          return h("g", null, [
            h("title", null, id),
            h("circle", {
              cx: at?.x,
              cy: at?.y,
              r: ring === 0 ? 3 : 2,
              fill: onRoute.has(id) ? "var(--pending)" : "var(--local)",
            }),
            nodes.length > 40 && !onRoute.has(id)
              ? null
              : h("text", { x: at?.x, y: (at?.y ?? 0) + 7, "text-anchor": "middle" }, name(id)),
          ]);
        }),
      ],
    ),
    h("h3", null, "Last route"),
    route.length === 0
      ? h("p", { class: "quiet" }, "None.")
      : h(
          "ol",
          null,
          route.map((id) => h("li", { class: "id", title: id }, shortId(id))),
        ),
  ]);
}
