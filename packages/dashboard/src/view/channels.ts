import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { channelBar } from "../model/channelBar.ts";
import { blocksInWords, formatMsat, formatSat, parseSat, sentence, shortId } from "../model/format.ts";
import { type NodeStore, type Trouble, troubleOf } from "../model/store.ts";
import type { Channel } from "../model/types.ts";
import { confirmed, type Question } from "./confirmed.ts";
import { Field, Form, Notice, refusal, type Submit } from "./form.ts";
import { h } from "./h.ts";

/** Those that can be used come first, and those that are a matter of the chain last. */
const order: Readonly<Record<Channel["phase"], number>> = { open: 0, opening: 1, closing: 2, closed: 3 };

/** Channels as bars, with what can be done with them, and the form that opens one. */
export function Channels({ store }: { readonly store: NodeStore }): VNode {
  const { channels, graph } = store.state;
  const aliases = new Map(graph.nodes.map(({ nodeId, alias }) => [nodeId, alias]));
  const sorted = [...channels].sort((a, b) => order[a.phase] - order[b.phase]);
  return h("div", { class: "grid" }, [
    h("section", { class: "card" }, [
      h("h2", { id: "channels" }, "Channels"),
      sorted.length === 0
        ? h("p", { class: "quiet" }, "None yet. Open one: payments go through channels.")
        : h(
            "ul",
            { class: "list", "aria-labelledby": "channels" },
            sorted.map((channel) => {
              const name = aliases.get(channel.peer) ?? shortId(channel.peer);
              return h(ChannelItem, { key: channel.channelId, channel, name, store });
            }),
          ),
    ]),
    h(OpenForm, { store }),
  ]);
}

interface Shown {
  readonly channel: Channel;
  /** Of the peer. */
  readonly name: string;
}

function ChannelItem({ channel, name, store }: Shown & { readonly store: NodeStore }): VNode {
  const { peer, phase, isConnected, isUsable, capacitySat, explanation, htlcs } = channel;
  const state = phase === "open" ? (isUsable ? "usable" : isConnected ? "open" : "not connected") : phase;
  const colour = isUsable ? "good" : phase === "closed" ? "quiet" : "warn";
  return h("li", null, [
    h("div", { class: "row" }, [
      h("h3", { title: peer }, name),
      h("span", null, [
        h("span", { class: "num quiet" }, `${formatSat(capacitySat)}, `),
        h("span", { class: colour }, state),
      ]),
    ]),
    phase === "closed" ? null : h(Balance, { channel }),
    h("p", { class: "quiet" }, sentence(explanation)),
    htlcs.length === 0
      ? null
      : h("details", { class: "quiet" }, [
          h("summary", null, `${htlcs.length} ${htlcs.length === 1 ? "payment" : "payments"} under way`),
          ...htlcs.map((one) => h("p", null, `${formatMsat(one.amountMsat)}: ${sentence(one.explanation)}`)),
        ]),
    h(CloseTimeline, { channel }),
    phase === "open" || phase === "opening" ? h(CloseButtons, { channel, name, store }) : null,
  ]);
}

function Balance({ channel }: { readonly channel: Channel }): VNode {
  const { localMsat, remoteMsat, capacitySat } = channel;
  const { local, pending, remote } = channelBar(channel);
  const label = `${formatMsat(localMsat)} ours, ${formatMsat(remoteMsat)} theirs, of ${formatSat(capacitySat)}`;
  const part = (name: string, width: number): VNode =>
    h("span", { class: name, style: { width: `${width}%` } });
  return h("div", null, [
    h("div", { class: "bar", role: "img", "aria-label": label }, [
      part("local", local),
      part("pending", pending),
      part("remote", remote),
    ]),
    h("div", { class: "row quiet" }, [
      h("span", { class: "num" }, `Ours ${formatMsat(localMsat)}`),
      h("span", { class: "num" }, `Theirs ${formatMsat(remoteMsat)}`),
    ]),
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
        step.blocksLeft === undefined || step.blocksLeft === 0
          ? null
          : h("p", { class: "quiet" }, `${blocksInWords(step.blocksLeft)}, until block ${step.height}`),
      ]),
    ),
  );
}

function CloseButtons({ channel, name, store }: Shown & { readonly store: NodeStore }): VNode {
  const [trouble, setTrouble] = useState<Trouble | undefined>(undefined);
  const { channelId } = channel;
  const act = async (question: Question, close: () => Promise<unknown>): Promise<void> => {
    if (!(await confirmed(question))) return;
    try {
      await close();
      setTrouble(undefined);
      await store.refresh();
    } catch (error) {
      setTrouble(troubleOf(error));
    }
  };
  const agreed = (): Promise<void> =>
    act(
      {
        title: `Close the channel with ${name}?`,
        text: "Both sides agree on the last transaction, and our share goes to the wallet.",
        action: "Close it",
      },
      () => store.client.closeChannel({ channelId }),
    );
  const forced = (): Promise<void> =>
    act(
      {
        title: `Force-close the channel with ${name}?`,
        text: "It costs more fees, and our share is locked for a while: often a day, up to two weeks. Do it only when the peer does not answer. It cannot be taken back.",
        action: "Force-close it",
        isDangerous: true,
      },
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
  const submit: Submit = async (value, clear) => {
    const msat = parseSat(value("open-amount"));
    if (msat === undefined || !msat.endsWith("000"))
      return refusal("This is no amount.", "Write whole satoshi, like 500000.");
    const { funding } = await store.client.openChannel({
      peer: value("open-peer"),
      amountSat: msat.slice(0, -3),
      announce: value("open-announce") === "yes",
    });
    clear();
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
