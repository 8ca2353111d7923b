import type { Client } from "@fulmen/client";
import { CliError, exitCodes } from "../cliError.ts";
import { parseAmount, parseSat, showMsat, showSat, withGroupedAmounts } from "../output/amounts.ts";
import { oneLine, table } from "../output/terminal.ts";
import { type Answer, show } from "./answer.ts";
import { type CommonOptions, connect } from "./connection.ts";

type Channel = Answer<"channels">["channels"][number];

/** Hexadecimal digits of an id that tables show. */
const shownDigits = 16;

/** `fulmen channels`. */
export async function channels(options: CommonOptions): Promise<void> {
  show(options, await connect(options).channels(), ({ channels: all }) =>
    all.length === 0
      ? "No channels. Open one: fulmen open <nodeid@host:port> <amount>"
      : [
          table(
            ["channel", "peer", "state", "capacity", "ours", "theirs"],
            all.map((one) => [
              one.channelId.slice(0, shownDigits),
              one.peer.slice(0, shownDigits),
              one.isUsable ? "usable" : one.phase === "open" && !one.isConnected ? "offline" : one.phase,
              showSat(one.capacitySat),
              showMsat(one.localMsat),
              showMsat(one.remoteMsat),
            ]),
          ),
          ...all.flatMap(nextOf),
        ].join("\n"),
  );
}

/** What a channel waits for, where it does not just work: its state, payments under way, the steps of its close. */
function nextOf({ channelId, phase, isUsable, explanation, htlcs, closing }: Channel): readonly string[] {
  const name = channelId.slice(0, shownDigits);
  if (phase === "closed" && closing.length > 0 && closing.every(isOver)) return [];
  const said = (text: string): string => oneLine(withGroupedAmounts(text), 300);
  return [
    ...(isUsable ? [] : [`${name}: ${said(explanation)}`]),
    ...htlcs.map((htlc) => {
      const way = htlc.direction === "outgoing" ? "to" : "from";
      return `${name}: ${showMsat(htlc.amountMsat)} ${way} the peer: ${said(htlc.explanation)}`;
    }),
    ...closing.map(({ amountSat, text, blocksLeft = 0 }) => {
      const left = blocksLeft === 0 ? "" : `; ${blocksLeft} block${blocksLeft === 1 ? "" : "s"} left`;
      return `  ${amountSat === undefined ? "" : `${showSat(amountSat)}: `}${said(text)}${left}`;
    }),
  ];
}

/** What nothing has to happen to any more. */
function isOver({ state, blocksLeft = 0 }: Channel["closing"][number]): boolean {
  return blocksLeft === 0 && ["closed", "handed-over", "taken-by-peer", "trimmed"].includes(state);
}

/** The id of the one channel that begins with `text`, or has this short channel id; rather one that is not closed. */
async function channelIdOf(client: Client, text: string): Promise<string> {
  const remedy = "Name one as `fulmen channels` does.";
  if (text.trim() === "")
    throw new CliError("unknown-channel", exitCodes.failed, "The channel's name is empty.", remedy);
  const { channels: all } = await client.channels();
  const named = all.filter(
    ({ channelId, shortChannelId }) => channelId.startsWith(text) || shortChannelId === text,
  );
  const alive = named.filter(({ phase }) => phase !== "closed");
  const [found, another] = alive.length > 0 ? alive : named;
  if (found === undefined)
    throw new CliError("unknown-channel", exitCodes.failed, `There is no channel ${oneLine(text)}.`, remedy);
  if (another !== undefined)
    throw new CliError(
      "ambiguous-channel",
      exitCodes.failed,
      `More than one channel begins with ${text}.`,
      remedy,
    );
  return found.channelId;
}

/** `fulmen open`. */
export async function open(
  peer: string,
  amount: string,
  options: CommonOptions & { readonly push?: string; readonly public?: boolean },
): Promise<void> {
  const answer = await connect(options).openChannel({
    peer,
    amountSat: parseSat(amount).toString(),
    ...(options.push !== undefined && { pushMsat: parseAmount(options.push).toString() }),
    ...(options.public !== undefined && { announce: options.public }),
  });
  show(
    options,
    answer,
    ({ channelId, funding }) =>
      `Channel ${channelId}\nFunded by ${funding.txid}:${funding.output}; usable after some blocks.`,
  );
}

/** `fulmen close`. */
export async function close(
  channel: string,
  options: CommonOptions & { readonly force?: boolean; readonly address?: string },
): Promise<void> {
  const client = connect(options);
  const channelId = await channelIdOf(client, channel);
  const { address } = options;
  const answer =
    options.force === true
      ? await client.forceCloseChannel({ channelId })
      : await client.closeChannel({ channelId, ...(address !== undefined && { address }) });
  show(options, answer, () => "The closing has begun. `fulmen channels` says how it goes on, step by step.");
}

/** `fulmen peers`. */
export async function peers(options: CommonOptions): Promise<void> {
  show(options, await connect(options).peers(), ({ peers: all }) =>
    all.length === 0
      ? "No peers. Connect to one: fulmen peers connect <nodeid@host:port>"
      : table(
          ["peer", "address", "connected", "channels"],
          all.map((one) => [
            one.nodeId,
            one.address ?? "",
            one.isConnected ? "yes" : "no",
            String(one.channels),
          ]),
        ),
  );
}

/** `fulmen peers connect`. */
export async function connectPeer(address: string, options: CommonOptions): Promise<void> {
  show(options, await connect(options).connectPeer({ address }), ({ nodeId }) => `Connected to ${nodeId}.`);
}

/** `fulmen peers disconnect`. */
export async function disconnectPeer(nodeId: string, options: CommonOptions): Promise<void> {
  show(
    options,
    await connect(options).disconnectPeer({ nodeId }),
    () => "Disconnected, and not connected to again.",
  );
}
