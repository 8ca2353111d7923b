import type { KVStore, KvEntry } from "@fulmen/lightning/chain";
import { present } from "@fulmen/lightning/util";
import { copiesOfChannel } from "../channelCopies.ts";
import { BenchLine, type LineOptions, type Role } from "./benchLine.ts";

/** Channels that the hop has with others at least: the payer's, the payee's and one more. */
export const fewestChannels = 3;

/**
 * A payer, a hop and a payee. The hop has `channels` channels, of which two are used; the others are copies of one, and
 * with others than these two.
 */
export async function forwardingLine(
  channels: number,
  options: LineOptions & { readonly storeOf: (role: Role) => KVStore },
): Promise<BenchLine> {
  const line = await BenchLine.open({
    ...options,
    links: [
      ["payer", "hop"],
      ["hop", "payee"],
      ["hop", "spare"],
    ],
  });
  if (channels === fewestChannels) return line;
  const hop = line.node("hop");
  const counterparty = line.node("spare").keys.nodeId;
  const spare = hop.manager.listChannels().find((each) => each.counterparty === counterparty);
  const { channelId, funding } = present(spare, "the spare channel");
  const copied = { channelId, txid: funding.txid, counterparty, copies: channels - fewestChannels };
  const store = options.storeOf("hop");
  await store.commit(copiesOfChannel(await allEntries(store), copied));
  await line.restart("hop");
  return line;
}

/** All that a store has. */
export async function allEntries(store: KVStore): Promise<readonly KvEntry[]> {
  const entries: KvEntry[] = [];
  for (;;) {
    const page = await store.scan("", entries.at(-1)?.key, pageLength);
    entries.push(...page);
    if (page.length < pageLength) return entries;
  }
}

const pageLength = 1_000;
