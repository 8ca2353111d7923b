import { type HtlcInterval, htlcKey } from "../commitment/htlc.ts";
import type { Side } from "../commitment/keys.ts";
import type { CommitmentNumber } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import type { HtlcChanges, MonitoredHtlc } from "./channelMonitorUpdate.ts";
import { type PastHtlc, type PastHtlcs, pastHtlcsOn } from "./pastHtlcs.ts";

/** An HTLC and on which commitments it is: an interval for ours and one for the peer's. */
export interface MonitoredRow {
  /** `htlcKey` of `htlc`. */
  readonly key: string;
  readonly htlc: MonitoredHtlc;
  readonly local: HtlcInterval;
  readonly remote: HtlcInterval;
}

/** The table after `side`'s commitment `number` changed by `changes`. */
export function changeRows(
  rows: readonly MonitoredRow[],
  changes: HtlcChanges,
  at: { readonly side: Side; readonly number: CommitmentNumber },
): readonly MonitoredRow[] {
  if (changes.entered.length === 0 && changes.left.length === 0) return rows;
  const { side, number } = at;
  const left = new Set(changes.left);
  const entered = new Map(changes.entered.map((htlc) => [htlcKey(htlc), htlc]));
  const next: MonitoredRow[] = [];
  for (const row of rows) {
    if (entered.delete(row.key)) next.push({ ...row, [side]: { entered: number } });
    else if (left.delete(row.key)) next.push({ ...row, [side]: { ...row[side], left: number } });
    else next.push(row);
  }
  for (const [key, htlc] of entered) {
    next.push({ key, htlc, local: {}, remote: {}, [side]: { entered: number } });
  }
  return next;
}

/** The table with those of `htlcs` that are ours to offer and on no commitment: the peer will never see them. */
export function withNeverOffered(
  rows: readonly MonitoredRow[],
  htlcs: readonly MonitoredHtlc[],
): readonly MonitoredRow[] {
  const known = new Set(rows.map(({ key }) => key));
  const added = htlcs
    .filter((htlc) => htlc.direction === "outgoing" && !known.has(htlcKey(htlc)))
    .map((htlc) => ({ key: htlcKey(htlc), htlc, local: {}, remote: {} }));
  return added.length === 0 ? rows : [...rows, ...added];
}

/** Whether an HTLC with that interval is on commitment `number`. */
export function isOn({ entered, left }: HtlcInterval, number: CommitmentNumber): boolean {
  return entered !== undefined && entered <= number && (left === undefined || number < left);
}

/** Parts the rows that may still count from those that are on revoked commitments only. */
export function retireRows(
  rows: readonly MonitoredRow[],
  oldestRemote: CommitmentNumber,
): { readonly rows: readonly MonitoredRow[]; readonly retired: readonly PastHtlc[] } {
  const kept: MonitoredRow[] = [];
  const retired: PastHtlc[] = [];
  for (const row of rows) {
    const { left } = row.remote;
    if (row.local.left === undefined || left === undefined || left > oldestRemote) kept.push(row);
    else retired.push({ htlc: row.htlc, entered: present(row.remote.entered, "where it entered"), left });
  }
  return retired.length === 0 ? { rows, retired } : { rows: kept, retired };
}

/** The HTLCs that were on the peer's commitment `number`, whether it is revoked or not. */
export function remoteHtlcsAt(
  { rows, past }: { readonly rows: readonly MonitoredRow[]; readonly past: PastHtlcs | undefined },
  number: CommitmentNumber,
): readonly MonitoredHtlc[] {
  const htlcs: MonitoredHtlc[] = [];
  for (const row of rows) if (isOn(row.remote, number)) htlcs.push(row.htlc);
  return [...htlcs, ...pastHtlcsOn(past, number)];
}
