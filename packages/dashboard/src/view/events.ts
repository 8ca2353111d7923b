import type { VNode } from "preact";
import { eventText } from "../model/eventText.ts";
import { formatTime, sentence } from "../model/format.ts";
import type { NodeState } from "../model/store.ts";
import { h } from "./h.ts";

/** What happened, the newest first. */
export function Events({ state: { events } }: { readonly state: NodeState }): VNode {
  return h("section", { class: "card" }, [
    h("h2", { id: "events" }, "Events"),
    events.length === 0
      ? h("p", { class: "quiet" }, "None yet.")
      : h(
          "ul",
          { class: "list", "aria-labelledby": "events" },
          events.map((event) =>
            h("li", { key: event.index }, [
              h("div", null, sentence(eventText(event))),
              h("div", { class: "row quiet" }, [
                h("span", null, formatTime(event.at)),
                h("span", null, `no. ${event.index}`),
              ]),
            ]),
          ),
        ),
  ]);
}
