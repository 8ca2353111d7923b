import type { Refusal } from "@fulmen/testkit";

/** Whether a transaction was refused since something else was faster. */
export function isLate({ kind }: Refusal): boolean {
  return (
    kind === "missing-inputs" || kind === "replacement-fee-too-low" || kind === "replacement-feerate-too-low"
  );
}
