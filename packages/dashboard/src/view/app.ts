import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { nodeInWords } from "../model/format.ts";
import type { NodeStore } from "../model/store.ts";
import { keepTheme } from "../model/theme.ts";
import { Channels } from "./channels.ts";
import { Events } from "./events.ts";
import { Notice } from "./form.ts";
import { h } from "./h.ts";
import { PayForm, PaymentList, ReceiveForm } from "./money.ts";
import { Network } from "./network.ts";
import { Overview } from "./overview.ts";

const views = [
  ["overview", "Overview"],
  ["channels", "Channels"],
  ["payments", "Payments"],
  ["events", "Events"],
  ["network", "Network"],
] as const;
type View = (typeof views)[number][0];

function viewOf(hash: string): View {
  return views.find(([name]) => `#${name}` === hash)?.[0] ?? "overview";
}

/** The whole page of an open session. */
export function App({ store, leave }: { readonly store: NodeStore; readonly leave: () => void }): VNode {
  const [, setTurn] = useState(0);
  const [view, setView] = useState(viewOf(location.hash));
  const [theme, setTheme] = useState(document.documentElement.dataset["theme"] ?? "light");
  useEffect(() => store.subscribe(() => setTurn((turn) => turn + 1)), [store]);
  useEffect(() => {
    const onHash = (): void => setView(viewOf(location.hash));
    addEventListener("hashchange", onHash);
    return () => removeEventListener("hashchange", onHash);
  }, []);
  const { state } = store;
  const other = theme === "dark" ? "light" : "dark";
  const changeTheme = (): void => {
    document.documentElement.dataset["theme"] = other;
    keepTheme({ storage: () => localStorage }, other);
    setTheme(other);
  };
  return h("div", { class: "shell" }, [
    h(
      "a",
      { class: "skip", href: `#${view}`, onClick: () => document.querySelector("main")?.focus() },
      "To the content",
    ),
    h(Head, {
      state: store,
      actions: [
        h("button", { type: "button", onClick: changeTheme }, other === "dark" ? "Dark" : "Light"),
        h("button", { type: "button", onClick: leave }, "Log out"),
      ],
    }),
    h(
      "nav",
      { "aria-label": "Views" },
      views.map(([name, title]) =>
        h("a", { href: `#${name}`, ...(name === view && { "aria-current": "page" as const }) }, title),
      ),
    ),
    h("main", { tabIndex: -1, class: "stack" }, [
      state.trouble === undefined ? null : h(Notice, { trouble: state.trouble }),
      view === "overview" ? h(Overview, { state, theme }) : null,
      view === "channels" ? h(Channels, { store }) : null,
      view === "payments"
        ? h("div", { class: "grid wide-last" }, [
            h("div", { class: "stack" }, [h(PayForm, { store }), h(ReceiveForm, { store })]),
            h(PaymentList, { store }),
          ])
        : null,
      view === "events" ? h(Events, { state }) : null,
      view === "network" ? h(Network, { state }) : null,
    ]),
  ]);
}

function Head({
  state: { state },
  actions,
}: {
  readonly state: NodeStore;
  readonly actions: readonly VNode[];
}): VNode {
  const { info, trouble } = state;
  const words = info === undefined ? "" : nodeInWords(info, trouble !== undefined);
  return h("header", null, [
    h("h1", null, info?.alias || "Fulmen"),
    h("p", { class: "quiet" }, words),
    h("div", { class: "actions" }, [...actions]),
  ]);
}
