import { noBytes } from "../util/bytes.ts";
import type { BlockHash } from "../util/ids.ts";
import { type Features, featuresOfInit, type Init, validateFeatures } from "../wire/index.ts";

/** Our side of BOLT 1, "The init Message". `globalfeatures` has been empty for years. */
export function ourInit(features: Features, chainHash: BlockHash): Init {
  return {
    type: "init",
    globalfeatures: noBytes,
    features: features.toBytes(),
    tlvs: { networks: [chainHash] },
  };
}

/** Why a peer with this `init` must be disconnected, in words that are fit to be sent to it; or `undefined`. */
export function initRefusal(init: Init, ours: Features, chainHash: BlockHash): string | undefined {
  const theirs = featuresOfInit(init);
  const missing = theirs.requiredBitsMissingFrom(ours);
  if (missing.length > 0) return `you require features we do not have: ${bitList(missing)}`;
  const lacking = ours.requiredBitsMissingFrom(theirs);
  if (lacking.length > 0) return `we require features you do not have: ${bitList(lacking)}`;
  const [unmet] = validateFeatures(theirs);
  if (unmet !== undefined) return `your feature ${unmet.feature} needs ${unmet.needs}`;
  const { networks } = init.tlvs;
  if (networks !== undefined && !networks.includes(chainHash)) return "you are not on our chain";
  return undefined;
}

function bitList(bits: readonly number[]): string {
  const shown = bits.slice(0, 8).join(", ");
  return bits.length > 8 ? `${shown}, ...` : shown;
}
