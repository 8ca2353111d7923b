import type { FeatureLevel } from "./features.ts";
import { Features } from "./features.ts";
import type { FeatureName } from "./featureTable.ts";

/** How commitment transactions look. */
export type CommitmentFormatName = "static-remotekey" | "anchors" | "zero-fee";

/**
 * What two peers agree on for the life of a channel (BOLT 2, "Defined Channel Types").
 *
 * @ldk lightning_types::features::ChannelTypeFeatures
 */
export interface ChannelType {
  readonly format: CommitmentFormatName;
  /** The channel is named by aliases only, never by its real short channel id. */
  readonly scidAlias: boolean;
  /** The channel may be used before its funding has confirmed. */
  readonly zeroConf: boolean;
}

/** The features that make up each format. */
const formats: readonly (readonly [CommitmentFormatName, readonly FeatureName[]])[] = [
  ["static-remotekey", ["option_static_remotekey"]],
  ["anchors", ["option_static_remotekey", "option_anchors"]],
  ["zero-fee", ["zero_fee_commitments"]],
];

/** The bytes of the `channel_type` record: even bits only. */
export function encodeChannelType(channelType: ChannelType): Uint8Array {
  const levels: Partial<Record<FeatureName, FeatureLevel>> = {};
  for (const [format, names] of formats) {
    if (format === channelType.format) for (const name of names) levels[name] = "required";
  }
  if (channelType.scidAlias) levels.option_scid_alias = "required";
  if (channelType.zeroConf) levels.option_zeroconf = "required";
  return Features.of(levels).toBytes();
}

/** The channel type of a `channel_type` record, or `undefined` for any set of bits that is not one we know. */
export function decodeChannelType(bytes: Uint8Array): ChannelType | undefined {
  const found = Features.fromBytes(bytes);
  for (const [format] of formats) {
    for (const scidAlias of [false, true]) {
      for (const zeroConf of [false, true]) {
        const candidate = { format, scidAlias, zeroConf };
        if (Features.fromBytes(encodeChannelType(candidate)).equals(found)) return candidate;
      }
    }
  }
  return undefined;
}

/** Whether two types agree in everything. */
export function sameChannelType(a: ChannelType, b: ChannelType): boolean {
  return a.format === b.format && a.scidAlias === b.scidAlias && a.zeroConf === b.zeroConf;
}
