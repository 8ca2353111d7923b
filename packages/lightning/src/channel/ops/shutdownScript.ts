import { witnessProgram } from "@fulmen/bitcoin/script";
import type { Features } from "../../wire/index.ts";

/**
 * Whether a cooperative close may pay to `script` (BOLT 2, "Closing Initiation: shutdown"): P2WPKH, P2WSH, or, with
 * `option_shutdown_anysegwit` on both sides, any later witness version.
 */
export function isShutdownScript(script: Uint8Array, ours: Features, theirs: Features): boolean {
  const witness = witnessProgram(script);
  if (witness === undefined) return false;
  if (witness.version === 0) return witness.program.length === 20 || witness.program.length === 32;
  return ours.has("option_shutdown_anysegwit") && theirs.has("option_shutdown_anysegwit");
}
