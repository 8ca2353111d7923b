import { op, p2wsh, script } from "@fulmen/bitcoin/script";
import { compareBytes, equalBytes } from "../util/bytes.ts";
import type { BlockHash, ShortChannelId } from "../util/ids.ts";
import type { Sat } from "../util/units.ts";
import type { ChannelAnnouncement } from "../wire/index.ts";

/** What the chain says about the output that a short channel id names. */
export type UtxoAnswer =
  /** It is unspent, and has the six confirmations that BOLT 7 asks for, or nearly. */
  | { readonly kind: "found"; readonly value: Sat; readonly script: Uint8Array }
  /** There is no such output, or it is spent or too young. */
  | { readonly kind: "not-found" };

/**
 * Where the graph asks whether announced channels exist. Without one, anybody can fill the graph with channels that
 * do not, up to its limits.
 *
 * @ldk lightning::routing::utxo::UtxoLookup
 */
export interface UtxoLookup {
  /**
   * The answer, if it is at hand; `pending` when it is to follow, as a call of `P2PGossipSync.utxoResolved`. Asked
   * at most once for each channel at a time.
   */
  getUtxo(chainHash: BlockHash, id: ShortChannelId): UtxoAnswer | { readonly kind: "pending" };
}

/** Whether the output pays to the announced keys: BOLT 3, "Funding Transaction Output". */
export function fundsChannel(
  output: Extract<UtxoAnswer, { kind: "found" }>,
  { bitcoinKey1, bitcoinKey2 }: ChannelAnnouncement,
): boolean {
  const inOrder = compareBytes(bitcoinKey1, bitcoinKey2) < 0;
  const [first, second] = inOrder ? [bitcoinKey1, bitcoinKey2] : [bitcoinKey2, bitcoinKey1];
  return equalBytes(output.script, p2wsh(script(op._2, first, second, op._2, op.CHECKMULTISIG)));
}
