import { array16 } from "../../codec/array.ts";
import type { Codec } from "../../codec/codec.ts";
import {
  mapped,
  msat64,
  nodeId,
  point,
  rest,
  shortChannelId,
  u8,
  u32,
  varBytes,
} from "../../codec/primitives.ts";
import { struct } from "../../codec/struct.ts";
import type {
  BlindedHop,
  BlindedPayInfo,
  BlindedPaymentPath,
  IntroductionNode,
} from "../../onion/blindedPath.ts";
import type { BlindedTail, Path, Route, RouteHop } from "../../routing/route.ts";
import { layout, needed, nested, possible, sized, union } from "./layouts.ts";

const blindedHop: Codec<BlindedHop> = struct("blinded_hop", {
  blindedNodeId: point,
  encryptedPayload: varBytes,
});

const introductionNode: Codec<IntroductionNode> = union<IntroductionNode>("introduction_node", {
  "node-id": [0, { nodeId: needed(0, nodeId) }],
  "directed-scid": [
    1,
    {
      direction: needed(0, mapped("u8", u8, { decoded: (side) => (side === 0 ? 0 : 1), encoded: Number })),
      shortChannelId: needed(2, shortChannelId),
    },
  ],
});

const payinfo: Codec<BlindedPayInfo> = nested<BlindedPayInfo>("blinded_payinfo", {
  feeBase: needed(0, msat64),
  feeProportionalMillionths: needed(2, u32),
  cltvExpiryDelta: needed(4, u32),
  htlcMinimum: needed(6, msat64),
  htlcMaximum: needed(8, msat64),
  features: needed(10, rest),
});

/** A blinded path to a payee of ours. */
export const blindedPaymentPath: Codec<BlindedPaymentPath> = layout<BlindedPaymentPath>(
  "blinded_payment_path",
  {
    introductionNode: needed(0, introductionNode),
    pathKey: needed(2, point),
    blindedHops: needed(4, array16(blindedHop)),
    payinfo: needed(6, payinfo),
  },
);

const routeHop: Codec<RouteHop> = struct("route_hop", {
  nodeId,
  shortChannelId,
  fee: msat64,
  cltvExpiryDelta: u32,
});

const blindedTail: Codec<BlindedTail> = nested<BlindedTail>("blinded_tail", {
  hops: needed(0, array16(blindedHop)),
  pathKey: needed(2, point),
  excessFinalCltvExpiryDelta: needed(4, u32),
  finalValue: needed(6, msat64),
});

const path: Codec<Path> = layout<Path>("path", {
  hops: needed(0, array16(routeHop)),
  blindedTail: possible(2, blindedTail),
});

/** A route that the user gave. */
export const route: Codec<Route> = nested<Route>("route", { paths: needed(0, array16(sized(path))) });
