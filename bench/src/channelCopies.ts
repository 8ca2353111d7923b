import { crypto } from "@fulmen/bitcoin/crypto";
import type { KvEntry, KvWrite } from "@fulmen/lightning/chain";
import { type ChannelId, fromHex, type NodeId, type Txid, toHex } from "@fulmen/lightning/util";

/** A channel in a node's store, and how many like it there shall be besides. */
export interface CopiedChannel {
  readonly channelId: ChannelId;
  /** Of its funding transaction. */
  readonly txid: Txid;
  readonly counterparty: NodeId;
  readonly copies: number;
}

/** The records of one channel and its monitor under other ids, each with a peer of its own that does not exist. */
export function copiesOfChannel(
  entries: readonly KvEntry[],
  { channelId, txid, counterparty, copies }: CopiedChannel,
): readonly KvWrite[] {
  const prefixes = [`channel/${channelId}/`, `monitor/${channelId}/`];
  const records = entries
    .filter(({ key }) => prefixes.some((prefix) => key.startsWith(prefix)))
    .map(({ key, value }) => ({ key, hex: toHex(value) }));
  const writes: KvWrite[] = [];
  for (let copy = 1; copy <= copies; copy++) {
    const number = copy.toString(16).padStart(8, "0");
    const newTxid = txid.slice(0, 8) + number + txid.slice(16);
    // The id is the funding transaction's, in the order of the wire, with the output's index in its last bytes.
    const newId = reversed(newTxid).slice(0, 60) + channelId.slice(60);
    const peer = toHex(crypto().publicKey(fromHex(number.repeat(8))));
    for (const { key, hex } of records) {
      const changed = hex
        .replaceAll(channelId, newId)
        .replaceAll(reversed(txid), reversed(newTxid))
        .replaceAll(txid, newTxid)
        .replaceAll(counterparty, peer);
      writes.push({ key: key.replace(channelId, newId), value: fromHex(changed) });
    }
  }
  return writes;
}

function reversed(hex: string): string {
  return toHex(fromHex(hex).reverse());
}
