import { DecodeError } from "../codec/decodeError.ts";
import { msat32, point, shortChannelId, u16, u32 } from "../codec/primitives.ts";
import { Reader } from "../codec/reader.ts";
import { struct } from "../codec/struct.ts";
import { Writer } from "../codec/writer.ts";
import { fromHex, type Point } from "../util/bytes.ts";
import { nodeIdOf } from "../util/ids.ts";
import type { RouteHintHop } from "./invoice.ts";
import { bytesToWords, wordsToBytes } from "./words.ts";

const hopCodec = struct("route_hint", {
  pubkey: point,
  shortChannelId,
  feeBase: msat32,
  feeProportionalMillionths: u32,
  cltvExpiryDelta: u16,
});

/** The channels in an `r` field, in the direction of the payment; at least one. */
export function routeHint(words: Uint8Array): readonly RouteHintHop[] {
  const reader = new Reader(wordsToBytes(words));
  if (reader.remaining === 0) throw new DecodeError("a route hint without channels");
  const hops: RouteHintHop[] = [];
  while (reader.remaining > 0) {
    const { pubkey, ...terms } = hopCodec.read(reader);
    hops.push({ nodeId: nodeIdOf(pubkey), ...terms });
  }
  return hops;
}

/** The `r` field of a route hint. */
export function routeHintWords(hops: readonly RouteHintHop[]): Uint8Array {
  const writer = new Writer(51 * hops.length);
  for (const { nodeId, ...terms } of hops) {
    hopCodec.write(writer, { pubkey: fromHex(nodeId) as Point, ...terms });
  }
  return bytesToWords(writer.finish());
}
