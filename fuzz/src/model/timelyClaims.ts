import type { Balance } from "@fulmen/lightning/onchain";

/**
 * Blocks in which a claim is confirmed where every block takes all that there is, one cheater's transaction after the
 * other included.
 */
const patience = 15;

/** Watches over what can be claimed from some height on: it must be gone soon, taken by one side or the other. */
export class TimelyClaims {
  /** The height at which something could be claimed, by its name. */
  #since = new Map<string, number>();

  /** Blocks were abandoned: what was claimed may have to be claimed again. */
  startAgain(): void {
    this.#since = new Map();
  }

  /** What could be claimed of a channel for too long, in words. */
  late(
    height: number,
    of: { readonly name: string; readonly balances: readonly Balance[] },
  ): string | undefined {
    const { name, balances } = of;
    const open = new Set<string>();
    let late: string | undefined;
    for (const balance of balances) {
      if (!isClaimable(balance, height)) continue;
      const hash = "paymentHash" in balance ? balance.paymentHash : "";
      const key = `${name} ${balance.kind} ${balance.amount} ${hash}`;
      open.add(key);
      const since = this.#since.get(key) ?? height;
      this.#since.set(key, since);
      if (height > since + patience) late = `${key} can be claimed since ${since} and is not at ${height}`;
    }
    for (const key of [...this.#since.keys()])
      if (key.startsWith(name) && !open.has(key)) this.#since.delete(key);
    return late;
  }
}

function isClaimable(balance: Balance, height: number): boolean {
  switch (balance.kind) {
    case "maybe-timeout-claimable-htlc":
      return height >= balance.claimableHeight;
    case "contentious-claimable":
    case "counterparty-revoked-output-claimable":
      return true;
    case "claimable-on-channel-close":
    case "claimable-awaiting-confirmations":
    case "maybe-preimage-claimable-htlc":
      return false;
  }
}
