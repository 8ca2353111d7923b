import { type ClaimId, claimIdOf } from "../../chain/coinSelection.ts";
import type { KvEntry, KvWrite } from "../../chain/kvStore.ts";
import { array16, many } from "../../codec/array.ts";
import { type Codec, decode, encode } from "../../codec/codec.ts";
import {
  bool,
  bytes32,
  chainHash,
  feerate32,
  mapped,
  paymentHash,
  point,
  restScript,
  sat64,
  txid,
  u32,
  u64,
} from "../../codec/primitives.ts";
import { struct } from "../../codec/struct.ts";
import { htlcKey } from "../../commitment/htlc.ts";
import type { ContestedSpend, PendingClaim, SpenderOutput } from "../../onchain/chainView.ts";
import type {
  ChannelMonitor,
  CounterpartyCommitment,
  HolderCommitment,
  KnownPreimage,
  LockCause,
  MonitorLock,
} from "../../onchain/channelMonitor.ts";
import type { MonitoredHtlc } from "../../onchain/channelMonitorUpdate.ts";
import { type FundingSpendFacts, restoredChainView } from "../../onchain/confirmations.ts";
import type { MonitoredRow, PastHtlc, PastHtlcs } from "../../onchain/htlcTable.ts";
import type { MonitorSetup } from "../../onchain/watch.ts";
import { fromHex } from "../../util/bytes.ts";
import type { CommitmentNumber } from "../../util/ids.ts";
import type { Result } from "../../util/result.ts";
import { type FeeratePerKw, feeratePerKw } from "../../util/units.ts";
import { reading, type StorageError } from "../storageError.ts";
import { shachain } from "./commitments.ts";
import { intervalOf, intervalsOf, specHtlc } from "./htlcRows.ts";
import { monitorPastKey, monitorSnapshotKey, monitorUpdateKey } from "./keys.ts";
import { layout, nameOf, needed, nested, possible, record } from "./layouts.ts";
import { counterpartyBalances, holderBalances } from "./monitor.ts";
import { blockHeight, commitmentNumber, count, htlcRef, outPoint, transaction } from "./values.ts";

/** How much of a monitor is in its snapshot and its rows of past HTLCs, beside the updates since. */
export interface StoredPart {
  /** The snapshot's last update; 1, the setup's, when there is no snapshot. */
  readonly updateId: number;
  readonly past: PastHtlcs | undefined;
  /** How many rows of past HTLCs there are. */
  readonly pastRows: number;
}

/** What a new monitor's setup holds of it. */
export const setupOnly: StoredPart = { updateId: 1, past: undefined, pastRows: 0 };

interface StoredRow {
  readonly htlc: MonitoredHtlc;
  readonly localEntered?: CommitmentNumber;
  readonly localLeft?: CommitmentNumber;
  readonly remoteEntered?: CommitmentNumber;
  readonly remoteLeft?: CommitmentNumber;
}

interface Snapshot
  extends Pick<
    ChannelMonitor,
    | "latestUpdateId"
    | "holder"
    | "counterparty"
    | "secrets"
    | "preimages"
    | "shutdownScript"
    | "lock"
    | "claims"
    | "handedOver"
  > {
  readonly rows: readonly StoredRow[];
  readonly pastRows: number;
  readonly fundingSpend?: FundingSpendFacts;
  readonly spends: readonly ContestedSpend[];
}

const holderCommitment: Codec<HolderCommitment> = nested<HolderCommitment>("holder_commitment", {
  number: needed(0, commitmentNumber),
  point: needed(2, point),
  feerate: needed(4, feerate32),
  commitments: needed(6, array16(holderBalances)),
});

const counterpartyCommitment: Codec<CounterpartyCommitment> = nested<CounterpartyCommitment>(
  "counterparty_commitment",
  {
    number: needed(0, commitmentNumber),
    point: needed(2, point),
    feerate: needed(4, feerate32),
    commitments: needed(6, array16(counterpartyBalances)),
  },
);

const storedRow: Codec<StoredRow> = nested<StoredRow>("monitored_htlc", {
  htlc: needed(0, specHtlc),
  localEntered: possible(2, commitmentNumber),
  localLeft: possible(4, commitmentNumber),
  remoteEntered: possible(6, commitmentNumber),
  remoteLeft: possible(8, commitmentNumber),
});

const knownPreimage: Codec<KnownPreimage> = struct("known_preimage", {
  paymentHash,
  preimage: bytes32,
  parts: array16(htlcRef),
});

const lock: Codec<MonitorLock> = struct("monitor_lock", {
  afterUpdateId: count,
  broadcast: bool,
  cause: nameOf<LockCause>("lock_cause", { "force-closed": 0, "funding-spent": 1, deadline: 2 }),
});

const fundingSpend: Codec<FundingSpendFacts> = nested<FundingSpendFacts>("funding_spend", {
  transaction: needed(0, transaction),
  txid: needed(2, txid),
  height: needed(4, blockHeight),
  blockHash: needed(6, chainHash),
});

const spenderOutput: Codec<SpenderOutput> = struct("spender_output", {
  kind: nameOf<SpenderOutput["kind"]>("spender_output_kind", { "second-stage": 0, ours: 1 }),
  index: u32,
  value: sat64,
});

const contestedSpend: Codec<ContestedSpend> = nested<ContestedSpend>("contested_spend", {
  outPoint: needed(0, outPoint),
  txid: needed(2, txid),
  height: needed(4, blockHeight),
  blockHash: needed(6, chainHash),
  preimage: possible(8, bytes32),
  output: possible(10, spenderOutput),
});

const claimId: Codec<ClaimId> = mapped("claim_id", bytes32, { decoded: claimIdOf, encoded: fromHex });

/** What a claim pays is bounded by its value only. */
const anyFeerate: Codec<FeeratePerKw> = mapped("u64", u64, {
  decoded: feeratePerKw,
  encoded: (feerate) => feerate,
});

const pendingClaim: Codec<PendingClaim> = nested<PendingClaim>("pending_claim", {
  id: needed(0, claimId),
  outPoints: needed(2, array16(outPoint)),
  feerate: needed(4, anyFeerate),
  setAt: needed(6, count),
});

const snapshotRecord = record(
  layout<Snapshot>("monitor_snapshot", {
    latestUpdateId: needed(0, count),
    holder: needed(2, holderCommitment),
    counterparty: needed(4, array16(counterpartyCommitment)),
    secrets: needed(6, shachain),
    rows: needed(8, array16(storedRow)),
    preimages: needed(10, array16(knownPreimage)),
    shutdownScript: possible(12, restScript),
    lock: possible(14, lock),
    pastRows: needed(16, count),
    fundingSpend: possible(18, fundingSpend),
    spends: needed(20, array16(contestedSpend)),
    claims: needed(22, array16(pendingClaim)),
    handedOver: needed(24, array16(outPoint)),
  }),
);

const pastHtlc: Codec<PastHtlc> = struct("past_htlc", {
  htlc: specHtlc,
  entered: commitmentNumber,
  left: commitmentNumber,
});

const pastRecord = record(
  layout<{ readonly htlcs: readonly PastHtlc[] }>("past_htlcs", { htlcs: needed(0, many(pastHtlc)) }),
);

/**
 * Stores a monitor as it is, in the place of its updates. What was `stored` of it before tells which HTLCs have become
 * past since: these are written once and never again.
 */
export function monitorSnapshotWrites(
  monitor: ChannelMonitor,
  stored: StoredPart,
): { readonly writes: readonly KvWrite[]; readonly stored: StoredPart } {
  const { latestUpdateId, past } = monitor;
  const { channelId } = monitor.setup;
  const writes: KvWrite[] = [];
  const fresh: PastHtlc[] = [];
  for (let part = past; part !== undefined && part !== stored.past; part = part.before) {
    fresh.push(...part.htlcs);
  }
  const pastRows = stored.pastRows + (fresh.length > 0 ? 1 : 0);
  if (fresh.length > 0) {
    const key = monitorPastKey(channelId, latestUpdateId);
    writes.push({ key, value: encode(pastRecord, { htlcs: fresh }) });
  }
  const value = encode(snapshotRecord, snapshotOf(monitor, pastRows));
  writes.push({ key: monitorSnapshotKey(channelId), value });
  for (let id = stored.updateId + 1; id <= latestUpdateId; id++) {
    writes.push({ key: monitorUpdateKey(channelId, id), value: undefined });
  }
  return { writes, stored: { updateId: latestUpdateId, past, pastRows } };
}

/** The record `monitor/<id>/past/<n>`. */
export function readPastHtlcs({ key, value }: KvEntry): Result<readonly PastHtlc[], StorageError> {
  return reading(key, () => decode(pastRecord, value).htlcs);
}

/** The record `monitor/<id>/snapshot`: the monitor as it was then, and how many rows of past HTLCs belong to it. */
export function readMonitorSnapshot(
  { key, value }: KvEntry,
  setup: MonitorSetup,
  past: PastHtlcs | undefined,
): Result<{ readonly monitor: ChannelMonitor; readonly pastRows: number }, StorageError> {
  return reading(key, () => {
    const { rows, pastRows, fundingSpend, spends, ...rest } = decode(snapshotRecord, value);
    const unspent: ChannelMonitor = {
      ...rest,
      setup,
      rows: rows.map(monitoredRow),
      past,
      chain: { spends: [] },
    };
    const chain = restoredChainView(unspent, fundingSpend, spends);
    return { monitor: { ...unspent, chain }, pastRows };
  });
}

function snapshotOf(monitor: ChannelMonitor, pastRows: number): Snapshot {
  const { setup: _, past: __, rows, chain, ...rest } = monitor;
  const { fundingSpend, spends } = chain;
  return {
    ...rest,
    rows: rows.map(({ htlc, local, remote }) => ({ htlc, ...intervalsOf(local, remote) })),
    pastRows,
    ...(fundingSpend && { fundingSpend }),
    spends,
  };
}

function monitoredRow(row: StoredRow): MonitoredRow {
  return {
    key: htlcKey(row.htlc),
    htlc: row.htlc,
    local: intervalOf(row.localEntered, row.localLeft),
    remote: intervalOf(row.remoteEntered, row.remoteLeft),
  };
}
