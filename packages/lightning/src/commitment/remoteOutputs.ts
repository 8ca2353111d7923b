import { fromHex } from "../util/bytes.ts";
import { msatToSat, type Sat } from "../util/units.ts";
import type { ScriptHashOutput } from "./format.ts";
import { formatOf } from "./formats/formatOf.ts";
import type { CommitmentKeys } from "./keys.ts";
import type { ChannelParams } from "./params.ts";
import { stageOf } from "./placeOutputs.ts";
import type { SpecHtlc } from "./spec.ts";

/** An output that a commitment of the peer may have, and how it is recognised and spent. */
export type RemoteOutput = ScriptHashOutput &
  (
    | { readonly kind: "to-local" }
    /** `offered` and `received` by the peer: "timeout" or "success" is how the peer would take it. */
    | {
        readonly kind: "offered" | "received";
        readonly htlc: SpecHtlc;
        /** Two HTLCs may share a script: then values, and at last the expiry, tell them apart. */
        readonly value: Sat;
      }
  );

/**
 * All outputs that the peer's commitment with these `keys` may have locked in scripts of this channel: with the
 * per-commitment secret, each of them is ours. `htlcs` are those that were on it, trimmed ones included or not. The
 * peer's second-stage transactions pay to the script of kind "to-local". `to_remote` is not among them: it is ours
 * revoked or not.
 */
export function remoteOutputs(
  params: ChannelParams,
  keys: CommitmentKeys,
  htlcs: readonly SpecHtlc[],
): readonly RemoteOutput[] {
  const format = formatOf(params.format);
  const scripts = format.htlcScripts(keys);
  const outputs: RemoteOutput[] = [{ kind: "to-local", ...format.toLocal(keys, params.local.toSelfDelay) }];
  for (const htlc of htlcs) {
    const hash = fromHex(htlc.paymentHash);
    const value = msatToSat(htlc.amount);
    if (stageOf("remote", htlc.direction) === "timeout") {
      outputs.push({ kind: "offered", htlc, value, ...scripts.offered(hash) });
    } else {
      outputs.push({ kind: "received", htlc, value, ...scripts.received(hash, htlc.cltvExpiry) });
    }
  }
  return outputs;
}
