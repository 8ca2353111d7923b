import type { OutputOf } from "@fulmen/api";
import type { Balances, Explained, PendingBalance } from "@fulmen/node";

/** Balances as JSON. */
export function balancesView({ onchain, lightning, closing, total }: Balances): OutputOf<"balances"> {
  return {
    onchain: {
      totalSat: onchain.total.toString(),
      spendable: inSat(onchain.spendable),
      reserved: inSat(onchain.reserved),
      locked: inSat(onchain.locked),
      pending: onchain.pending.map(pendingView),
    },
    lightning: {
      totalMsat: lightning.total.toString(),
      spendable: inMsat(lightning.spendable),
      receivable: inMsat(lightning.receivable),
      sending: inMsat(lightning.sending),
      receiving: inMsat(lightning.receiving),
      reserve: inMsat(lightning.reserve),
    },
    closing: closing.map(pendingView),
    totalMsat: total.toString(),
  };
}

function inSat({ amount, explanation }: Explained<bigint>) {
  return { amountSat: amount.toString(), explanation };
}

function inMsat({ amount, explanation }: Explained<bigint>) {
  return { amountMsat: amount.toString(), explanation };
}

function pendingView({ amount, ...rest }: PendingBalance) {
  return { ...rest, amountMsat: amount.toString() };
}
