import type { FormatName } from "../../commitment/params.ts";
import type { ChannelType, CommitmentFormatName, Features } from "../../wire/index.ts";
import { decodeChannelType } from "../../wire/index.ts";

const formatNames: Readonly<Record<CommitmentFormatName, FormatName>> = {
  "static-remotekey": "static-remotekey",
  anchors: "anchors-zero-fee-htlc",
  "zero-fee": "zero-fee-commitments",
};

const typeNames: Readonly<Record<FormatName, CommitmentFormatName>> = {
  "static-remotekey": "static-remotekey",
  "anchors-zero-fee-htlc": "anchors",
  "zero-fee-commitments": "zero-fee",
};

/** The channel type that asks for `format`. */
export function channelTypeOf(
  format: FormatName,
  options: { readonly scidAlias: boolean; readonly zeroConf: boolean },
): ChannelType {
  return { format: typeNames[format], ...options };
}

/** A channel type of which this kit can make commitments. */
export interface KnownChannelType {
  readonly type: ChannelType;
  readonly format: FormatName;
}

/** The type in a `channel_type` record, or `undefined` when it is none that we know. */
export function readChannelType(record: Uint8Array): KnownChannelType | undefined {
  const type = decodeChannelType(record);
  return type && { type, format: formatNames[type.format] };
}

/** Whether `features` allow channels of this type. */
export function supportsChannelType(features: Features, type: ChannelType): boolean {
  return (
    (type.format !== "anchors" || features.has("option_anchors")) &&
    (type.format !== "zero-fee" || features.has("zero_fee_commitments")) &&
    (!type.scidAlias || features.has("option_scid_alias")) &&
    (!type.zeroConf || features.has("option_zeroconf"))
  );
}

/** For events: `anchors-zero-fee-htlc`, `static-remotekey+scid-alias`, `zero-fee-commitments`, ... */
export function channelTypeText(
  format: FormatName,
  options: { readonly scidAlias: boolean; readonly zeroConf: boolean },
): string {
  return `${format}${options.scidAlias ? "+scid-alias" : ""}${options.zeroConf ? "+zero-conf" : ""}`;
}
