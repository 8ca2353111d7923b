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
  signature,
  txid,
  u32,
  u64,
  varScript,
} from "../../codec/primitives.ts";
import { struct } from "../../codec/struct.ts";
import { htlcKey } from "../../commitment/htlc.ts";
import type { Side } from "../../commitment/keys.ts";
import { type ShachainEntry, secretAt } from "../../crypto/shachain.ts";
import type { ContestedSpend, PendingClaim, SpenderOutput } from "../../onchain/chainView.ts";
import type { ChannelMonitor, LockCause, MonitorLock } from "../../onchain/channelMonitor.ts";
import type {
  ChannelMonitorUpdate,
  ChannelMonitorUpdateStep,
  CommitmentBalances,
  MonitoredHtlc,
} from "../../onchain/channelMonitorUpdate.ts";
import type { FundingSpendFacts } from "../../onchain/confirmations.ts";
import { type Bytes32, fromHex } from "../../util/bytes.ts";
import type { ChannelId, CommitmentNumber, OutPoint } from "../../util/ids.ts";
import { invariant, present } from "../../util/invariant.ts";
import type { Result } from "../../util/result.ts";
import { type FeeratePerKw, feeratePerKw } from "../../util/units.ts";
import { reading, type StorageError } from "../storageError.ts";
import { htlcKeys, htlcSignatures, monitoredHtlcs } from "./compactHtlcs.ts";
import { monitorHtlcsKey, monitorSecretKey, monitorStateKey, monitorUpdateKey } from "./keys.ts";
import { layout, nameOf, needed, nested, optional, possible, record, union } from "./layouts.ts";
import { secretWrite } from "./secretRows.ts";
import {
  blockHeight,
  commitmentNumber,
  count,
  htlcRef,
  outPoint,
  smallCommitmentNumber,
  smallCount,
  smallMsat,
  transaction,
} from "./values.ts";

type StepOf<K extends ChannelMonitorUpdateStep["kind"]> = Extract<ChannelMonitorUpdateStep, { kind: K }>;

/** `undefined` stands for the funding that the monitor started with. */
type Stored<B extends CommitmentBalances> = Omit<B, "funding"> & { readonly funding: OutPoint | undefined };

type StoredCommitment<K extends "holder-commitment" | "counterparty-commitment"> = Omit<
  StepOf<K>,
  "htlcs" | "commitments"
> & {
  readonly commitments: readonly Stored<StepOf<K>["commitments"][number]>[];
};

/**
 * A step without what other rows have, which outlive it: the HTLCs that came and went, and the peer's secret.
 */
export type StoredStep =
  | StoredCommitment<"holder-commitment">
  | StoredCommitment<"counterparty-commitment">
  | Omit<StepOf<"commitment-secret">, "secret">
  | StepOf<"payment-preimage" | "shutdown-script" | "channel-force-closed">;

/** What all updates up to `foldedTo` come to, beside what other rows have. */
export interface Folded extends Pick<ChannelMonitor, "shutdownScript"> {
  /** The last update whose row is not needed any more; 1, the setup's, at first. */
  readonly foldedTo: number;
  /** After that update: the number of our commitment, and of the peer's oldest and latest valid one. */
  readonly holder: CommitmentNumber;
  readonly oldest: CommitmentNumber;
  readonly latest: CommitmentNumber;
  /** How many rows `htlcs/<n>` the updates up to that one have. */
  readonly changes: number;
}

/** `update/<slot>`: the updates of one batch, until nothing of the monitor rests on them any more. */
export interface StoredUpdates {
  /** Id of the first; they follow one another. */
  readonly first: number;
  readonly updates: readonly (readonly StoredStep[])[];
  /** Whether there is a row `htlcs/<first>`. */
  readonly changesHtlcs?: true;
  /** Of older updates. Their slots are free, or have been taken since. */
  readonly folded: Folded;
  /** Of the folded updates, steps that still count: they were in too many rows. */
  readonly carried?: readonly StoredStep[];
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

/** `state`: what the chain told, and what was folded by then. */
export interface StoredState extends Pick<ChannelMonitor, "lock" | "claims" | "handedOver"> {
  readonly folded: Folded;
  readonly fundingSpend?: FundingSpendFacts;
  readonly spends: readonly ContestedSpend[];
}

const balances = { funding: optional(outPoint), txid, toLocal: smallMsat, toRemote: smallMsat };

const storedStep: Codec<StoredStep> = union<StoredStep>("stored_step", {
  "holder-commitment": [
    0,
    {
      number: needed(0, smallCommitmentNumber),
      point: needed(2, point),
      feerate: needed(4, feerate32),
      commitments: needed(6, array16(struct("holder_balances", { ...balances, signature, htlcSignatures }))),
    },
  ],
  "counterparty-commitment": [
    1,
    {
      number: needed(0, smallCommitmentNumber),
      point: needed(2, point),
      feerate: needed(4, feerate32),
      commitments: needed(6, array16(struct("counterparty_balances", balances))),
    },
  ],
  "commitment-secret": [2, { number: needed(0, smallCommitmentNumber) }],
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

/** A row of every update has it: as short as can be. */
const folded: Codec<Folded> = mapped(
  "folded",
  struct("folded", {
    foldedTo: smallCount,
    holder: smallCommitmentNumber,
    oldest: smallCommitmentNumber,
    latest: smallCommitmentNumber,
    changes: smallCount,
    shutdownScript: optional(varScript),
  }),
  {
    decoded: ({ shutdownScript, ...rest }): Folded => ({
      ...rest,
      ...(shutdownScript && { shutdownScript }),
    }),
    encoded: ({ shutdownScript, ...rest }) => ({ ...rest, shutdownScript }),
  },
);

const updateRow = record(
  layout<StoredUpdates>("stored_updates", {
    first: needed(0, smallCount),
    updates: needed(2, array16(array16(storedStep))),
    changesHtlcs: possible(4, flag),
    folded: needed(6, folded),
    carried: possible(8, array16(storedStep)),
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
    folded: needed(0, folded),
    lock: possible(2, lock),
    fundingSpend: possible(4, fundingSpend),
    spends: needed(6, array16(contestedSpend)),
    claims: needed(8, array16(pendingClaim)),
    handedOver: needed(10, array16(outPoint)),
  }),
);

/** The row of `updates`, which follow one another, as it is read again. `funding` is the one of the monitor's setup. */
export function storedUpdates(
  updates: readonly ChannelMonitorUpdate[],
  funding: OutPoint,
  folded: Folded,
): StoredUpdates {
  const first = present(updates[0], "an update to store").updateId;
  invariant(
    updates.every(({ updateId }, i) => updateId === first + i),
    `updates that do not follow ${first}`,
  );
  const changesHtlcs = updates.some(({ steps }) => changesOf(steps).length > 0);
  return {
    first,
    updates: updates.map(({ steps }) => steps.map((step) => stored(step, funding))),
    ...(changesHtlcs && { changesHtlcs }),
    folded,
  };
}

/** The row `monitor/<id>/update/<slot>`. */
export function monitorUpdateWrite(channelId: ChannelId, slot: number, row: StoredUpdates): KvWrite {
  return { key: monitorUpdateKey(channelId, slot), value: encode(updateRow, row) };
}

/** What `updates` write besides: the HTLCs that they change, if they do, and the peer's secrets. */
export function monitorFactWrites(updates: readonly ChannelMonitorUpdate[]): readonly KvWrite[] {
  const { channelId, updateId } = present(updates[0], "an update to store");
  const writes = new Map<string, KvWrite>();
  const steps = updates.flatMap((update) => update.steps);
  const changes = changesOf(steps);
  if (changes.length > 0) {
    const key = monitorHtlcsKey(channelId, updateId);
    writes.set(key, { key, value: encode(htlcsRow, { changes }) });
  }
  for (const step of steps) {
    if (step.kind !== "commitment-secret") continue;
    const write = monitorSecretWrite(channelId, secretAt(step.number, step.secret as Bytes32));
    writes.set(write.key, write);
  }
  return [...writes.values()];
}

/** The row `monitor/<id>/secret/<position>`: of its place, the last secret that the peer revealed. */
export function monitorSecretWrite(channelId: ChannelId, entry: ShachainEntry): KvWrite {
  return secretWrite((position) => monitorSecretKey(channelId, position), entry);
}

/** The row `monitor/<id>/state`. */
export function monitorStateWrite(channelId: ChannelId, state: StoredState): KvWrite {
  return { key: monitorStateKey(channelId), value: encode(stateRow, state) };
}

export function readStoredUpdates({ key, value }: KvEntry): Result<StoredUpdates, StorageError> {
  return reading(key, () => decode(updateRow, value));
}

export function readStoredChanges({ key, value }: KvEntry): Result<readonly StoredChanges[], StorageError> {
  return reading(key, () => decode(htlcsRow, value).changes);
}

export function readStoredState({ key, value }: KvEntry): Result<StoredState, StorageError> {
  return reading(key, () => decode(stateRow, value));
}

function stored(step: ChannelMonitorUpdateStep, funding: OutPoint): StoredStep {
  const unlessFirst = (one: OutPoint): OutPoint | undefined =>
    one.txid === funding.txid && one.index === funding.index ? undefined : one;
  switch (step.kind) {
    case "holder-commitment": {
      const { htlcs: _, commitments, ...rest } = step;
      return {
        ...rest,
        commitments: commitments.map((one) => ({ ...one, funding: unlessFirst(one.funding) })),
      };
    }
    case "counterparty-commitment": {
      const { htlcs: _, commitments, ...rest } = step;
      return {
        ...rest,
        commitments: commitments.map((one) => ({ ...one, funding: unlessFirst(one.funding) })),
      };
    }
    case "commitment-secret":
      return { kind: step.kind, number: step.number };
    case "payment-preimage":
    case "shutdown-script":
    case "channel-force-closed":
      return step;
  }
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
