import { type ClaimId, claimIdOf } from "../../chain/coinSelection.ts";
import type { KvEntry, KvWrite } from "../../chain/kvStore.ts";
import { array16 } from "../../codec/array.ts";
import { type Codec, decode, encode } from "../../codec/codec.ts";
import {
  bool,
  bytes32,
  chainHash,
  feerate32,
  flag,
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
import type { Side } from "../../commitment/keys.ts";
import type { ShachainEntry } from "../../crypto/shachain.ts";
import type { ContestedSpend, PendingClaim, SpenderOutput } from "../../onchain/chainView.ts";
import type { ChannelMonitor, LockCause, MonitorLock } from "../../onchain/channelMonitor.ts";
import type {
  ChannelMonitorUpdate,
  ChannelMonitorUpdateStep,
  HtlcChanges,
  MonitoredHtlc,
} from "../../onchain/channelMonitorUpdate.ts";
import type { FundingSpendFacts } from "../../onchain/confirmations.ts";
import { fromHex } from "../../util/bytes.ts";
import type { ChannelId, CommitmentNumber } from "../../util/ids.ts";
import type { Result } from "../../util/result.ts";
import { type FeeratePerKw, feeratePerKw } from "../../util/units.ts";
import { reading, type StorageError } from "../storageError.ts";
import { htlcKeys, htlcSignatures, monitoredHtlcs } from "./compactHtlcs.ts";
import { monitorHtlcsKey, monitorSecretKey, monitorStateKey, monitorUpdateKey } from "./keys.ts";
import { layout, nameOf, needed, nested, possible, record, union } from "./layouts.ts";
import { counterpartyBalances, holderBalancesWith } from "./monitor.ts";
import { secretWrite } from "./secretRows.ts";
import { blockHeight, commitmentNumber, count, htlcRef, outPoint, transaction } from "./values.ts";

type WithoutHtlcs<S> = S extends { readonly htlcs: HtlcChanges } ? Omit<S, "htlcs"> : S;

/** A step without the HTLCs that came and went: these have a row of their own, which outlives it. */
export type StoredStep = WithoutHtlcs<ChannelMonitorUpdateStep>;

/** `update/<n>`: an update, until nothing of the monitor rests on it any more. */
export interface StoredUpdate {
  readonly steps: readonly StoredStep[];
  /** Whether there is a row `htlcs/<n>`. */
  readonly changesHtlcs?: true;
}

/** How one side's commitment changed. What an HTLC is stands where it came onto the first of both commitments. */
export interface StoredChanges {
  readonly side: Side;
  readonly number: CommitmentNumber;
  /** HTLCs that were on no commitment before. */
  readonly added: readonly MonitoredHtlc[];
  /** Keys of those that were on the other side's already, and of those that left. */
  readonly entered: readonly string[];
  readonly left: readonly string[];
}

/** `state`: what all updates up to one come to, beside what other rows have; and all that the chain told. */
export interface StoredState
  extends Pick<ChannelMonitor, "shutdownScript" | "lock" | "claims" | "handedOver"> {
  /** The last update whose row is gone; 1, the setup's, at first. */
  readonly foldedTo: number;
  /** After that update: the number of our commitment, and of the peer's oldest and latest valid one. */
  readonly holder: CommitmentNumber;
  readonly oldest: CommitmentNumber;
  readonly latest: CommitmentNumber;
  /** How many of the updates up to that one have a row `htlcs/<n>`. */
  readonly changes: number;
  readonly fundingSpend?: FundingSpendFacts;
  readonly spends: readonly ContestedSpend[];
}

const storedStep: Codec<StoredStep> = union<StoredStep>("stored_step", {
  "holder-commitment": [
    0,
    {
      number: needed(0, commitmentNumber),
      point: needed(2, point),
      feerate: needed(4, feerate32),
      commitments: needed(6, array16(holderBalancesWith(htlcSignatures))),
    },
  ],
  "counterparty-commitment": [
    1,
    {
      number: needed(0, commitmentNumber),
      point: needed(2, point),
      feerate: needed(4, feerate32),
      commitments: needed(6, array16(counterpartyBalances)),
    },
  ],
  "commitment-secret": [2, { number: needed(0, commitmentNumber), secret: needed(2, bytes32) }],
  "payment-preimage": [
    3,
    {
      paymentHash: needed(0, paymentHash),
      preimage: needed(2, bytes32),
      parts: needed(4, array16(htlcRef)),
    },
  ],
  "shutdown-script": [4, { script: needed(0, restScript) }],
  "channel-force-closed": [5, { broadcast: needed(0, bool) }],
});

const updateRow = record(
  layout<StoredUpdate>("stored_update", {
    steps: needed(0, array16(storedStep)),
    changesHtlcs: possible(2, flag),
  }),
);

const side = nameOf<Side>("side", { local: 0, remote: 1 });
const incomingHtlcs = monitoredHtlcs("incoming");
const outgoingHtlcs = monitoredHtlcs("outgoing");

/** An HTLC comes first onto the commitment of the one to whom it is offered. */
const firstOn = { local: incomingHtlcs, remote: outgoingHtlcs };

const storedChanges: Codec<StoredChanges> = {
  spec: "htlc_changes",
  read(reader) {
    const which = side.read(reader);
    return {
      side: which,
      number: commitmentNumber.read(reader),
      added: firstOn[which].read(reader),
      entered: htlcKeys.read(reader),
      left: htlcKeys.read(reader),
    };
  },
  write(writer, value) {
    side.write(writer, value.side);
    commitmentNumber.write(writer, value.number);
    firstOn[value.side].write(writer, value.added);
    htlcKeys.write(writer, value.entered);
    htlcKeys.write(writer, value.left);
  },
};

const htlcsRow = record(
  layout<{ readonly changes: readonly StoredChanges[] }>("stored_htlcs", {
    changes: needed(0, array16(storedChanges)),
  }),
);

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

const stateRow = record(
  layout<StoredState>("monitor_state", {
    foldedTo: needed(0, count),
    holder: needed(2, commitmentNumber),
    oldest: needed(4, commitmentNumber),
    latest: needed(6, commitmentNumber),
    changes: needed(8, count),
    shutdownScript: possible(10, restScript),
    lock: possible(12, lock),
    fundingSpend: possible(14, fundingSpend),
    spends: needed(16, array16(contestedSpend)),
    claims: needed(18, array16(pendingClaim)),
    handedOver: needed(20, array16(outPoint)),
  }),
);

/** The row of an update as it is read again. */
export function storedUpdate({ steps }: ChannelMonitorUpdate): StoredUpdate {
  const changes = changesOf(steps);
  return { steps: steps.map(stored), ...(changes.length > 0 && { changesHtlcs: true }) };
}

/** The rows of an update, of which `htlcs/<n>` is there only when HTLCs came or went. */
export function monitorUpdateWrites(update: ChannelMonitorUpdate): readonly KvWrite[] {
  const { channelId, updateId, steps } = update;
  const row = { key: monitorUpdateKey(channelId, updateId), value: encode(updateRow, storedUpdate(update)) };
  const changes = changesOf(steps);
  if (changes.length === 0) return [row];
  return [row, { key: monitorHtlcsKey(channelId, updateId), value: encode(htlcsRow, { changes }) }];
}

/** The row `monitor/<id>/secret/<position>`: of its place, the last secret that the peer revealed. */
export function monitorSecretWrite(channelId: ChannelId, entry: ShachainEntry): KvWrite {
  return secretWrite((position) => monitorSecretKey(channelId, position), entry);
}

/** The row `monitor/<id>/state`. */
export function monitorStateWrite(channelId: ChannelId, state: StoredState): KvWrite {
  return { key: monitorStateKey(channelId), value: encode(stateRow, state) };
}

export function readStoredUpdate({ key, value }: KvEntry): Result<StoredUpdate, StorageError> {
  return reading(key, () => decode(updateRow, value));
}

export function readStoredChanges({ key, value }: KvEntry): Result<readonly StoredChanges[], StorageError> {
  return reading(key, () => decode(htlcsRow, value).changes);
}

export function readStoredState({ key, value }: KvEntry): Result<StoredState, StorageError> {
  return reading(key, () => decode(stateRow, value));
}

function stored(step: ChannelMonitorUpdateStep): StoredStep {
  if (!("htlcs" in step)) return step;
  const { htlcs: _, ...rest } = step;
  return rest;
}

function changesOf(steps: readonly ChannelMonitorUpdateStep[]): readonly StoredChanges[] {
  return steps.flatMap((step): readonly StoredChanges[] => {
    if (!("htlcs" in step)) return [];
    const { kind, number, htlcs } = step;
    if (htlcs.entered.length === 0 && htlcs.left.length === 0) return [];
    const which: Side = kind === "holder-commitment" ? "local" : "remote";
    const first = which === "local" ? "incoming" : "outgoing";
    const added = htlcs.entered.filter(({ direction }) => direction === first);
    const others = htlcs.entered.filter(({ direction }) => direction !== first);
    return [{ side: which, number, added, entered: others.map(htlcKey), left: htlcs.left }];
  });
}
