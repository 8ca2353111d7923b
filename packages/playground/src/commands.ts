import type { FormatName } from "@fulmen/lightning/commitment";
import { msat, sat } from "@fulmen/lightning/util";
import type { Network } from "./network/network.ts";
import type { PlaygroundNode } from "./network/playgroundNode.ts";
import { outcomeOf } from "./scenes.ts";
import { ledgerText, msatText, satText, short } from "./text.ts";

/** What is wrong with a line that was typed. */
export class InputError extends Error {}

/** What a line begins with, does. */
export interface Command {
  /** Its name, then its arguments. */
  readonly usage: string;
  readonly help: string;
  run(args: readonly string[]): Promise<void>;
}

type Say = (text: string) => void;

const formats: Readonly<Record<string, FormatName>> = {
  anchors: "anchors-zero-fee-htlc",
  static: "static-remotekey",
};

/** All that can be typed beside `help` and `quit`. */
export function commandsFor(network: Network, say: Say): readonly Command[] {
  return [...payments(network, say), ...channels(network, say), ...theNetwork(network, say)];
}

function payments(network: Network, say: Say): readonly Command[] {
  return [
    {
      usage: "invoice NODE SATS [DESCRIPTION]",
      help: "an invoice of a node",
      async run([name, amount, ...words]) {
        const node = nodeNamed(network, name);
        const description = words.join(" ");
        const request = { amount: msat(amountOf(amount) * 1_000n), description, hold: false };
        const { invoice } = await node.call("invoice", request);
        say(invoice);
      },
    },
    {
      usage: "pay NODE INVOICE",
      help: "lets a node pay an invoice",
      async run([name, invoice]) {
        const node = nodeNamed(network, name);
        if (invoice === undefined) throw new InputError("Which invoice?");
        const outcome = await outcomeOf(node, await node.call("pay", invoice));
        say(outcome.kind === "sent" ? `paid, with a fee of ${msatText(outcome.feePaid)}` : outcome.text);
      },
    },
    {
      usage: "why NODE",
      help: "says why a node chose the last route that it found",
      async run([name]) {
        const text = await nodeNamed(network, name).call("whyRoute");
        for (const line of (text || "It has found no route yet.").split("\n")) say(line);
      },
    },
  ];
}

function channels(network: Network, say: Say): readonly Command[] {
  return [
    {
      usage: "open NODE NODE SATS [anchors|static]",
      help: "opens a channel from the first node's coins and mines it in",
      run: ([from, to, funding, format]) =>
        openAndMine(network, say, {
          from: nodeNamed(network, from),
          to: nodeNamed(network, to),
          funding: amountOf(funding),
          format: formatNamed(format),
        }),
    },
    {
      usage: "close NODE CHANNEL",
      help: "closes a channel in agreement; the beginning of its id will do",
      run: ([name, prefix]) => close(network, say, { node: nodeNamed(network, name), prefix }),
    },
    {
      usage: "force-close NODE CHANNEL",
      help: "publishes NODE's commitment; then mine some 150 blocks until all is swept",
      run: ([name, prefix]) => forceClose(network, say, { node: nodeNamed(network, name), prefix }),
    },
  ];
}

function theNetwork(network: Network, say: Say): readonly Command[] {
  return [
    {
      usage: "mine [BLOCKS]",
      help: "mines blocks",
      async run([count = "1"]) {
        const blocks = Number(amountOf(count));
        if (blocks > 1_000) throw new InputError("At most 1,000 blocks at once.");
        say(`height ${await network.mine(blocks)}`);
      },
    },
    {
      usage: "kill NODE",
      help: "SIGKILL, as when the power fails",
      async run([name]) {
        const node = nodeNamed(network, name);
        await node.kill();
        say(`${node.name} is dead; "restart ${node.name}" brings it back from its store`);
      },
    },
    {
      usage: "restart NODE",
      help: "starts a node that was killed",
      async run([name]) {
        const node = nodeNamed(network, name);
        const { restoredChannels } = await node.start();
        say(`${node.name} is back with ${restoredChannels} channels`);
      },
    },
    {
      usage: "balances",
      help: "the open channels, and where every satoshi is",
      async run() {
        for (const line of await channelLines(network)) say(line);
        for (const line of ledgerText(await network.ledger())) say(line);
      },
    },
  ];
}

async function openAndMine(
  network: Network,
  say: Say,
  what: {
    readonly from: PlaygroundNode;
    readonly to: PlaygroundNode;
    readonly funding: bigint;
    readonly format: FormatName;
  },
): Promise<void> {
  const { from, to, funding, format } = what;
  if (from === to) throw new InputError("A channel needs two nodes.");
  const { nodeId, port } = await to.info();
  const { peers } = await from.call("status");
  if (!peers.includes(nodeId)) {
    await from.connect(to);
    await network.until(`${from.name} is connected to port ${port}`, async () => {
      const status = await from.call("status");
      return status.peers.includes(nodeId);
    });
  }
  const mempool = await network.chain.call("mempool");
  const temporaryId = await from.call("open", { nodeId, funding: sat(funding), format });
  const begun = await from.event(["channel-pending", "channel-closed"], (event) =>
    event.kind === "channel-pending"
      ? event.formerTemporaryChannelId === temporaryId
      : event.channelId === temporaryId,
  );
  if (begun.kind === "channel-closed") throw new Error(`the channel was not opened: ${begun.reason.kind}`);
  await network.untilBroadcast(1, mempool);
  await network.mine(6);
  await from.event(["channel-ready"], (event) => event.channelId === begun.channelId);
  say(`channel ${short(begun.channelId)} of ${satText(funding)} is ready, ${format}`);
}

async function close(
  network: Network,
  say: Say,
  { node, prefix }: { readonly node: PlaygroundNode; readonly prefix: string | undefined },
): Promise<void> {
  const channelId = await openChannelOf(node, prefix);
  await node.call("close", channelId);
  const { reason } = await node.event(["channel-closed"], (event) => event.channelId === channelId);
  say(`closed: ${reason.kind}, height ${await network.mine(6)}`);
}

async function forceClose(
  network: Network,
  say: Say,
  { node, prefix }: { readonly node: PlaygroundNode; readonly prefix: string | undefined },
): Promise<void> {
  const channelId = await openChannelOf(node, prefix);
  const mempool = await network.chain.call("mempool");
  await node.call("forceClose", channelId);
  await network.untilBroadcast(1, mempool);
  const height = await network.mine(1);
  say(`${node.name}'s commitment is in block ${height}`);
  for (const { amount, kind, until } of await node.call("waitingFunds")) {
    say(`  ${satText(amount)}: ${kind}${until === undefined ? "" : `, until height ${until}`}`);
  }
}

/** The id of the node's one open channel that begins with `prefix`. */
async function openChannelOf(node: PlaygroundNode, prefix: string | undefined): Promise<string> {
  if (prefix === undefined) throw new InputError('Which channel? "balances" lists them.');
  const channels = await node.call("channels");
  const [channel, ...others] = channels.filter(
    ({ channelId, state }) => channelId.startsWith(prefix) && state !== "closing",
  );
  if (channel === undefined) throw new InputError(`${node.name} has no open channel ${short(prefix, 40)}.`);
  if (others.length > 0) throw new InputError(`Several channels of ${node.name} begin with ${prefix}.`);
  return channel.channelId;
}

async function channelLines(network: Network): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const node of network.nodes) {
    if (!node.isRunning) {
      lines.push(`${node.name} is not running`);
      continue;
    }
    for (const channel of await node.call("channels")) {
      const { channelId, counterparty, localBalance, remoteBalance, state, isUsable } = channel;
      if (state === "closing") continue;
      const use = isUsable ? "usable" : state;
      lines.push(
        `${node.name.padEnd(6)} ${msatText(localBalance)} – ${msatText(remoteBalance)} ` +
          `${network.nameOf(counterparty)}  ${short(channelId)}  ${use}`,
      );
    }
  }
  return lines;
}

function nodeNamed(network: Network, name: string | undefined): PlaygroundNode {
  const node = network.nodes.find((one) => one.name === name);
  if (node !== undefined) return node;
  const names = network.nodes.map((one) => one.name).join(", ");
  throw new InputError(
    name === undefined ? `Which node: ${names}?` : `There is no node ${short(name, 40)}: ${names}.`,
  );
}

function amountOf(text: string | undefined): bigint {
  const digits = text?.replaceAll(",", "") ?? "";
  if (!/^[1-9][0-9]{0,11}$/.test(digits))
    throw new InputError(`Not a whole number above 0: ${short(text ?? "nothing", 40)}`);
  return BigInt(digits);
}

function formatNamed(name = "anchors"): FormatName {
  const format = formats[name];
  if (format === undefined) throw new InputError(`The formats are ${Object.keys(formats).join(" and ")}.`);
  return format;
}
