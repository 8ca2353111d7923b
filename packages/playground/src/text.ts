import type { Ledger } from "./ledger.ts";

/** `1,234,567 sat` */
export function satText(amount: bigint): string {
  return `${grouped(amount)} sat`;
}

/** In satoshis, with thousandths only where there are some. */
export function msatText(amount: bigint): string {
  return `${thousandths(amount)} sat`;
}

/** The beginning of a long text, enough to know it again. */
export function short(text: string, length = 12): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}

/** The ledger as a table. */
export function ledgerText({ rows, inFlight, found, minted }: Ledger): readonly string[] {
  const line = (cells: readonly string[]): string =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(9) : cell.padStart(13))).join(" ");
  const total = (of: (row: Ledger["rows"][number]) => bigint): bigint =>
    rows.reduce((sum, row) => sum + of(row), 0n);
  return [
    line(["sat", "given", "from others", "chain fees", "in channels", "on chain"]),
    ...rows.map((row) =>
      line([
        row.owner,
        grouped(row.minted),
        `${row.earned > 0n ? "+" : ""}${thousandths(row.earned)}`,
        row.fees === 0n ? "0" : grouped(-row.fees),
        thousandths(row.inChannels),
        grouped(row.onChain),
      ]),
    ),
    line([
      "together",
      grouped(minted),
      thousandths(total(({ earned }) => earned)),
      grouped(-total(({ fees }) => fees)),
      thousandths(total(({ inChannels }) => inChannels)),
      grouped(total(({ onChain }) => onChain)),
    ]),
    ...(inFlight === 0n ? [] : [`${msatText(inFlight)} are in flight`]),
    `coins + channels + fees = ${msatText(found)}; the faucet gave ${satText(minted)}`,
  ];
}

function grouped(amount: bigint): string {
  return amount.toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Millisatoshis as satoshis: `-1,234.001`. */
function thousandths(msat: bigint): string {
  const size = msat < 0n ? -msat : msat;
  const rest = size % 1_000n;
  const fraction = rest === 0n ? "" : `.${rest.toString().padStart(3, "0")}`;
  return `${msat < 0n ? "-" : ""}${grouped(size / 1_000n)}${fraction}`;
}
