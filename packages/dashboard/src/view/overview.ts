import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { ChartData } from "../model/chartData.ts";
import { axisTime, axisWidth, formatMsat, formatSat, sentence } from "../model/format.ts";
import type { NodeState } from "../model/store.ts";
import type { Balances } from "../model/types.ts";
import { h } from "./h.ts";

/** What the node has, and how that came about. */
export function Overview({ state, theme }: { readonly state: NodeState; readonly theme: string }): VNode {
  const { balances, info, charts } = state;
  return h("div", { class: "stack" }, [
    ...(info?.warnings ?? []).map(({ text, remedy }) =>
      h("div", { class: "notice caution" }, [
        h("p", null, sentence(text)),
        h("p", { class: "quiet" }, sentence(remedy)),
      ]),
    ),
    balances === undefined ? null : h(Amounts, { balances }),
    h(Waiting, { state }),
    h("div", { class: "grid" }, [
      chartCard("Balance", charts.balance, ["Wallet", "Channels"], theme),
      chartCard("Fees", charts.fees, ["Paid", "Earned"], theme),
    ]),
  ]);
}

/** Characters of an amount that a narrow card has room for in large figures: ten bitcoins have more. */
const mostLarge = 14;

/** What there is in large figures, all of one size. */
function Amounts({ balances: { totalMsat, lightning, onchain } }: { readonly balances: Balances }): VNode {
  const cards: readonly (readonly [title: string, amount: string, explanation: string])[] = [
    ["In all", wholeSat(totalMsat), "If all ended as it stands."],
    ["Can send", wholeSat(lightning.spendable.amountMsat), lightning.spendable.explanation],
    ["Can receive", wholeSat(lightning.receivable.amountMsat), lightning.receivable.explanation],
    ["In the wallet", formatSat(onchain.spendable.amountSat), onchain.spendable.explanation],
    ["Reserved", formatSat(onchain.reserved.amountSat), onchain.reserved.explanation],
  ];
  const isLong = cards.some(([, amount]) => amount.length > mostLarge);
  return h(
    "div",
    { class: "grid stats" },
    cards.map(([title, amount, explanation]) =>
      h("section", { class: "card" }, [
        h("h2", null, title),
        h("p", { class: isLong ? "big long" : "big" }, amount),
        h("p", { class: "quiet" }, sentence(explanation)),
      ]),
    ),
  );
}

/** Without what is less than a satoshi: the large figures are for a look. */
function wholeSat(msat: string): string {
  return formatSat(BigInt(msat) / 1000n);
}

/** What is ours but not at hand, with the reason. */
function Waiting({ state: { balances } }: { readonly state: NodeState }): VNode | null {
  const pending = [...(balances?.onchain.pending ?? []), ...(balances?.closing ?? [])];
  if (pending.length === 0) return null;
  return h("section", { class: "card" }, [
    h("h2", null, "On its way to us"),
    h(
      "ul",
      { class: "list" },
      pending.map(({ amountMsat, explanation, height }) =>
        h("li", null, [
          h("div", { class: "row" }, [
            h("span", null, sentence(explanation)),
            h("strong", { class: "num" }, formatMsat(amountMsat)),
          ]),
          height === undefined || explanation.includes(String(height))
            ? null
            : h("p", { class: "quiet" }, `At block ${height}.`),
        ]),
      ),
    ),
  ]);
}

function chartCard(title: string, data: ChartData, names: readonly string[], theme: string): VNode {
  const last = names.map(
    (name, index) => `${name} ${formatMsat(BigInt(Math.round((data.lines[index]?.at(-1) ?? 0) * 1000)))}`,
  );
  return h("section", { class: "card" }, [
    h("h2", null, title),
    h("p", { class: "quiet" }, `${last.join(", ")}.`),
    data.times.length < 2
      ? h("p", { class: "quiet" }, "A chart begins with the second entry of the ledger.")
      : h(Chart, { title, data, names, theme }),
  ]);
}

function Chart({
  title,
  data,
  names,
  theme,
}: {
  readonly title: string;
  readonly data: ChartData;
  readonly names: readonly string[];
  readonly theme: string;
}): VNode {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const colour = (name: string): string =>
      getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const axis = {
      stroke: colour("--quiet"),
      grid: { stroke: colour("--edge") },
      ticks: { stroke: colour("--edge") },
    };
    const strokes = [colour("--local"), colour("--pending")];
    const size = (): { width: number; height: number } => ({
      width: Math.max(200, element.clientWidth),
      height: 200,
    });
    const chart = new uPlot(
      {
        ...size(),
        // Half of the last time's width.
        padding: [8, 40, 0, 0],
        series: [{}, ...names.map((label, index) => ({ label, stroke: strokes[index] ?? "", width: 2 }))],
        axes: [
          {
            ...axis,
            space: 90,
            size: 36,
            values: (...[, times, , , step]: [uPlot, number[], number, number, number]) =>
              times.map((time) => axisTime(time, step)),
          },
          {
            ...axis,
            size: (_chart: uPlot, labels: readonly string[] | null) => axisWidth(labels ?? []),
            values: (_chart: uPlot, values: number[]) =>
              values.map((value) => formatMsat(BigInt(Math.round(value * 1000))).replace(" sat", "")),
          },
        ],
        legend: { show: true, live: false },
      },
      [[...data.times], ...data.lines.map((line) => [...line])],
      element,
    );
    const observer = new ResizeObserver(() => chart.setSize(size()));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [data.times.length, data.times.at(-1), theme]);
  return h("div", { class: "chart", ref: place, role: "img", "aria-label": `Chart: ${title}` });
}
