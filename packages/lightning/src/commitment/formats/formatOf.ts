import type { CommitmentFormat } from "../format.ts";
import type { FormatName } from "../params.ts";
import { anchorsZeroFeeHtlc } from "./anchorsZeroFeeHtlc.ts";
import { staticRemotekey } from "./staticRemotekey.ts";
import { zeroFeeCommitments } from "./zeroFeeCommitments.ts";

const formats: Readonly<Record<FormatName, CommitmentFormat>> = {
  "static-remotekey": staticRemotekey,
  "anchors-zero-fee-htlc": anchorsZeroFeeHtlc,
  "zero-fee-commitments": zeroFeeCommitments,
};

/** The format that the channel type chose. */
export function formatOf(name: FormatName): CommitmentFormat {
  return formats[name];
}

/** All formats, for tests that run once for each. */
export const formatNames: readonly FormatName[] = [
  "static-remotekey",
  "anchors-zero-fee-htlc",
  "zero-fee-commitments",
];
