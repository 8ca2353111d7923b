import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { channelBar } from "../model/channelBar.ts";
import { blocksInWords, formatMsat, formatSat, parseSat, sentence, shortId } from "../model/format.ts";
import { type NodeStore, type Trouble, troubleOf } from "../model/store.ts";
import type { Channel } from "../model/types.ts";
import { Field, Form, Notice, refusal, type Submit } from "./form.ts";
import { h } from "./h.ts";

/** Channels as bars, with what can be done with them, and the form that opens one. */
export function Channels({ store }: { readonly store: NodeStore }): VNode {
  const { channels } = store.state;
  return h("div", { class: "grid" }, [
    h("section", { class: "card" }, [
      h("h2", { id: "channels" }, "Channels"),
      channels.length === 0
        ? h("p", { class: "quiet" }, "None yet. Open one: payments go through channels.")
        : h(
            "ul",
            { class: "list", "aria-labelledby": "channels" },
            channels.map((channel) => h(ChannelItem, { key: channel.channelId, channel, store })),
          ),
    ]),
    h(OpenForm, { store }),
  ]);
}

function ChannelItem({ channel, store }: { readonly channel: Channel; readonly store: NodeStore }): VNode {
  const { local, pending, remote } = channelBar(channel);
  const { peer, phase, isConnected, isUsable, localMsat, remoteMsat, capacitySat, explanation, htlcs } =
    channel;
  const label = `${formatMsat(localMsat)} ours, ${formatMsat(remoteMsat)} theirs, of ${formatSat(capacitySat)}`;
  const state = phase === "open" ? (isUsable ? "usable" : isConnected ? "open" : "not connected") : phase;
  const part = (name: string, width: number): VNode =>
    h("span", { class: name, style: { width: `${width}%` } });
  return h("li", null, [
    h("div", { class: "row" }, [
      h("h3", { class: "id", title: peer }, shortId(peer)),
      h("span", { class: isUsable ? "good" : "warn" }, state),
    ]),
    h("div", { class: "bar", role: "img", "aria-label": label }, [
      part("local", local),
      part("pending", pending),
      part("remote", remote),
    ]),
    h("div", { class: "row quiet" }, [
      h("span", { class: "num" }, `Ours ${formatMsat(localMsat)}`),
      h("span", { class: "num" }, `Theirs ${formatMsat(remoteMsat)}`),
    ]),
    h("p", { class: "quiet" }, sentence(explanation)),
    htlcs.length === 0
      ? null
      : h(
          "p",
          { class: "quiet" },
          `${htlcs.length} ${htlcs.length === 1 ? "payment" : "payments"} under way.`,
        ),
    h(CloseTimeline, { channel }),
    phase === "open" || phase === "opening" ? h(CloseButtons, { channel, store }) : null,
  ]);
}

function CloseTimeline({ channel: { closing } }: { readonly channel: Channel }): VNode | null {
  if (closing.length === 0) return null;
  return h(
    "ol",
    { class: "timeline", "aria-label": "How the close goes" },
    closing.map((step) =>
      h("li", null, [
        h("div", { class: "row" }, [
          h("span", null, sentence(step.text)),
          step.amountSat === undefined ? null : h("strong", { class: "num" }, formatSat(step.amountSat)),
        ]),
        step.height === undefined
          ? null
          : h(
              "p",
              { class: "quiet" },
              `Block ${step.height}${step.blocksLeft ? `: ${blocksInWords(step.blocksLeft)}` : ""}`,
            ),
      ]),
    ),
  );
}

function CloseButtons({ channel, store }: { readonly channel: Channel; readonly store: NodeStore }): VNode {
  const [trouble, setTrouble] = useState<Trouble | undefined>(undefined);
  const { channelId, peer } = channel;
  const name = shortId(peer);
  const act = async (question: string, close: () => Promise<unknown>): Promise<void> => {
    if (!confirm(question)) return;
    try {
      await close();
      setTrouble(undefined);
      await store.refresh();
    } catch (error) {
      setTrouble(troubleOf(error));
    }
  };
  const agreed = (): Promise<void> =>
    act(`Close the channel with ${name} in agreement? Our share goes to the wallet.`, () =>
      store.client.closeChannel({ channelId }),
    );
  const forced = (): Promise<void> =>
    act(
      `Force the channel with ${name} closed? It costs fees and our share is locked for a while. Do it only when the peer does not answer.`,
      () => store.client.forceCloseChannel({ channelId }),
    );
  return h("div", null, [
    h("div", { class: "actions" }, [
      h(
        "button",
        { type: "button", "aria-label": `Close the channel with ${name}`, onClick: () => void agreed() },
        "Close",
      ),
      h(
        "button",
        {
          type: "button",
          class: "bad",
          "aria-label": `Force-close the channel with ${name}`,
          onClick: () => void forced(),
        },
        "Force-close",
      ),
    ]),
    trouble === undefined ? null : h(Notice, { trouble }),
  ]);
}

function OpenForm({ store }: { readonly store: NodeStore }): VNode {
  const submit: Submit = async (value) => {
    const msat = parseSat(value("open-amount"));
    if (msat === undefined || !msat.endsWith("000"))
      return refusal("This is no amount.", "Write whole satoshi, like 500000.");
    const { funding } = await store.client.openChannel({
      peer: value("open-peer"),
      amountSat: msat.slice(0, -3),
      announce: value("open-announce") === "yes",
    });
    void store.refresh();
    return h("p", { class: "good" }, [
      "The funding transaction is ",
      h("span", { class: "id" }, funding.txid),
      ".",
    ]);
  };
  return h("section", { class: "card" }, [
    h("h2", null, "Open a channel"),
    h(Form, { name: "Open a channel", button: "Open", submit }, [
      h(Field, {
        name: "open-peer",
        label: "Peer",
        hint: "nodeId@host:port, or the id of a peer that is connected.",
        isRequired: true,
      }),
      h(Field, { name: "open-amount", label: "Capacity in sat", isNumber: true, isRequired: true }),
      h("label", { class: "check" }, [
        h("input", { type: "checkbox", name: "open-announce", value: "yes" }),
        "Announce it, so that others may pay through it",
      ]),
    ]),
  ]);
}
