import { crypto, hkdfExpand, hkdfExtract } from "@fulmen/bitcoin/crypto";
import type { NetworkName } from "@fulmen/bitcoin/network";
import { Reader } from "../codec/reader.ts";
import { Writer } from "../codec/writer.ts";
import { noBytes } from "../util/bytes.ts";
import type { ShortChannelId } from "../util/ids.ts";
import { invariant } from "../util/invariant.ts";
import { Secret } from "../util/secret.ts";
import { shortChannelId, shortChannelIdParts } from "../util/shortChannelId.ts";

/**
 * Short channel ids that look like those of channels and are none: they name what their holder meant by them. The block
 * and the transaction are random; the output's index is the number of the namespace, encrypted by both. So an id is
 * recognised without being stored, and nobody else can tell what it is for, nor that it is made up.
 *
 * `phantom`: the channel to the phantom node (`PhantomKeysManager`); `intercept`: HTLCs that the user wants to see
 * before they are forwarded.
 *
 * @ldk lightning::util::scid_utils::fake_scid::Namespace
 */
export type FakeScidNamespace = "phantom" | "intercept";

/** LDK's numbers, 0..7; 1 is that of aliases, which we store with their channels. */
const numbers: Readonly<Record<FakeScidNamespace, number>> = { phantom: 0, intercept: 2 };

/**
 * The key of the namespaces, from `NodeSigner.inboundPaymentKey`. Nodes that share that key for phantom payments know
 * each other's ids, which harms none of them.
 */
export function fakeScidKey(inboundPaymentKey: Uint8Array): Secret {
  const salt = Uint8Array.from("Fulmen fake short channel ids", (letter) => letter.charCodeAt(0));
  return new Secret(hkdfExpand(hkdfExtract(salt, inboundPaymentKey), noBytes, 32));
}

/**
 * A new id of a namespace. It may be taken by a channel: try again then. `random`: 8 fresh bytes; `height`: of the best
 * block, which the id stays a month behind, so that no channel will ever get it.
 */
export function createFakeScid(
  key: Secret,
  namespace: FakeScidNamespace,
  at: { readonly network: NetworkName; readonly height: number; readonly random: Uint8Array },
): ShortChannelId {
  invariant(at.random.length === 8, "8 random bytes");
  const random = new Reader(at.random);
  const oldest = segwitHeight(at.network);
  const span = Math.max(0, at.height - oldest - blocksPerMonth);
  const height = oldest + (random.u32() % (span + 1));
  const txIndex = random.u32() % transactionsPerBlock;
  return shortChannelId({
    height,
    txIndex,
    outputIndex: encryptedNumber(key, namespace, { height, txIndex }),
  });
}

/** Whether the id is one of ours, of that namespace. One in eight ids of small channels is by chance. */
export function isFakeScid(
  key: Secret,
  namespace: FakeScidNamespace,
  { id, network }: { readonly id: ShortChannelId; readonly network: NetworkName },
): boolean {
  const { height, txIndex, outputIndex } = shortChannelIdParts(id);
  if (height < segwitHeight(network)) return false;
  return encryptedNumber(key, namespace, { height, txIndex }) === outputIndex;
}

const blocksPerMonth = 144 * 30;
const transactionsPerBlock = 2_500;

/** Channels are witness outputs: no older block has one. */
function segwitHeight(network: NetworkName): number {
  return network === "mainnet" ? 481_824 : 1;
}

function encryptedNumber(
  key: Secret,
  namespace: FakeScidNamespace,
  { height, txIndex }: { readonly height: number; readonly txIndex: number },
): number {
  const nonce = new Writer(12).u32(0).u32(height).u32(txIndex).finish();
  const [encrypted = 0] = crypto().chacha20(key.expose(), nonce, Uint8Array.of(numbers[namespace]));
  return encrypted & 0b111;
}
