import { array8, many } from "../codec/array.ts";
import { type Codec, decode } from "../codec/codec.ts";
import { msat32, msat64, nodeId, point, shortChannelId, u16, u32, varBytes } from "../codec/primitives.ts";
import { struct } from "../codec/struct.ts";
import { concatBytes } from "../util/bytes.ts";
import type { BlindedHop, BlindedPayInfo, BlindedPaymentPath, IntroductionNode } from "./blindedPath.ts";

/** The first byte of a public key is no direction: BOLT 1, "Fundamental Types". */
const introductionNode: Codec<IntroductionNode> = {
  spec: "sciddir_or_pubkey",
  read: (reader) => {
    const first = reader.u8();
    if (first === 0 || first === 1) {
      return { kind: "directed-scid", direction: first, shortChannelId: shortChannelId.read(reader) };
    }
    const key = concatBytes(Uint8Array.of(first), reader.bytes(32));
    return { kind: "node-id", nodeId: decode(nodeId, key) };
  },
  write: (writer, node) => {
    if (node.kind === "node-id") nodeId.write(writer, node.nodeId);
    else shortChannelId.write(writer.u8(node.direction), node.shortChannelId);
  },
};

const blindedHop: Codec<BlindedHop> = struct("blinded_path_hop", {
  blindedNodeId: point,
  encryptedPayload: varBytes,
});

const payinfo: Codec<BlindedPayInfo> = struct("blinded_payinfo", {
  feeBase: msat32,
  feeProportionalMillionths: u32,
  cltvExpiryDelta: u16,
  htlcMinimum: msat64,
  htlcMaximum: msat64,
  features: varBytes,
});

const blindedPaymentPath: Codec<BlindedPaymentPath> = struct("payment_blinded_path", {
  introductionNode,
  pathKey: point,
  blindedHops: array8(blindedHop),
  payinfo,
});

/** `...*payment_blinded_path`: BOLT 4, "payload format"; the parts of each are those of BOLT 12. */
export const blindedPaymentPaths: Codec<readonly BlindedPaymentPath[]> = many(blindedPaymentPath);
