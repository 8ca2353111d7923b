import { emptyShachain, insertSecret, type ShachainStore } from "../crypto/shachain.ts";
import type { Bytes32, Point, Script } from "../util/bytes.ts";
import type { CommitmentNumber, OutPoint, PaymentHash } from "../util/ids.ts";
import { InvariantError, invariant, present } from "../util/invariant.ts";
import type { FeeratePerKw } from "../util/units.ts";
import type { ChainView, PendingClaim } from "./chainView.ts";
import type {
  ChannelMonitorUpdate,
  ChannelMonitorUpdateStep,
  CommitmentBalances,
  IncomingHtlcRef,
  MonitoredHtlc,
} from "./channelMonitorUpdate.ts";
import { changeRows, type MonitoredRow, retireRows, withNeverOffered } from "./htlcTable.ts";
import { type PastHtlcs, withPast } from "./pastHtlcs.ts";
import type { MonitorSetup } from "./watch.ts";

type StepOf<K extends ChannelMonitorUpdateStep["kind"]> = Extract<ChannelMonitorUpdateStep, { kind: K }>;

/** Our latest commitment, with the peer's signatures for each funding. All before it are revoked. */
export type HolderCommitment = Omit<StepOf<"holder-commitment">, "kind" | "htlcs">;

/** A commitment that the peer may broadcast. */
export interface CounterpartyCommitment {
  readonly number: CommitmentNumber;
  readonly point: Point;
  readonly feerate: FeeratePerKw;
  readonly commitments: readonly CommitmentBalances[];
}

/** A preimage that claims incoming HTLCs, and all parts of the payment that it claims. */
export interface KnownPreimage {
  readonly paymentHash: PaymentHash;
  readonly preimage: Uint8Array;
  readonly parts: readonly IncomingHtlcRef[];
}

/** Why and since when no commitment changes any more. */
export interface MonitorLock {
  /** The last update before the lock: later ones that change commitments are refused, however often they come. */
  readonly afterUpdateId: number;
  /** Whether our commitment is ours to publish. Once true it stays so. */
  readonly broadcast: boolean;
  readonly cause: LockCause;
}

/** The channel closed itself; the chain closed it; or an HTLC's deadline came and the monitor closes it. */
export type LockCause = "force-closed" | "funding-spent" | "deadline";

/**
 * All that is needed, with the channel's keys and the chain, to defend a channel: a value that its updates move, one
 * after the other.
 *
 * @ldk lightning::chain::channelmonitor::ChannelMonitor
 */
export interface ChannelMonitor {
  readonly setup: MonitorSetup;
  readonly latestUpdateId: number;
  readonly holder: HolderCommitment;
  /** Those that the peer has not revoked, the older first: one, or two while its revocation is awaited. */
  readonly counterparty: readonly CounterpartyCommitment[];
  /** The secrets of the peer's revoked commitments. */
  readonly secrets: ShachainStore;
  /** HTLCs that are on a commitment which may be broadcast, or will be on one. */
  readonly rows: readonly MonitoredRow[];
  /** HTLCs that are on revoked commitments of the peer only: needed when it publishes one of those. */
  readonly past: PastHtlcs | undefined;
  /** Of incoming HTLCs in `rows`. */
  readonly preimages: readonly KnownPreimage[];
  /** Where a cooperative close pays us. */
  readonly shutdownScript?: Script;
  readonly lock?: MonitorLock;
  readonly chain: ChainView;
  /** What is being claimed on chain, or was until it is final. */
  readonly claims: readonly PendingClaim[];
  /** Outputs that were told of as spendable: they are the user's. */
  readonly handedOver: readonly OutPoint[];
}

/** What became of an update. */
export type UpdateOutcome =
  | { readonly kind: "applied"; readonly monitor: ChannelMonitor }
  /** Known already: nothing changes. */
  | { readonly kind: "duplicate" }
  /** The monitor is locked: the id is used up, and no commitment was taken in. */
  | { readonly kind: "refused"; readonly monitor: ChannelMonitor }
  /** An update before it is missing. */
  | { readonly kind: "gap"; readonly expected: number };

/** The monitor of a channel whose first commitments are signed: `setup.initial` has both. */
export function newMonitor(setup: MonitorSetup): ChannelMonitor {
  const { initial, channelId } = setup;
  invariant(initial.updateId === 1 && initial.channelId === channelId, "the first update of another channel");
  const holder = stepOf(initial, "holder-commitment");
  const counterparty = stepOf(initial, "counterparty-commitment");
  const blank: ChannelMonitor = {
    setup,
    latestUpdateId: 1,
    holder: holderOf(holder),
    counterparty: [counterpartyOf(counterparty)],
    secrets: emptyShachain,
    rows: [],
    past: undefined,
    preimages: [],
    chain: { spends: [] },
    claims: [],
    handedOver: [],
  };
  return initial.steps.reduce(
    (monitor, step) => (step === holder || step === counterparty ? monitor : applyStep(monitor, step)),
    blank,
  );
}

/**
 * Takes in the next update. The same update may come again: it is then a duplicate, or refused as it was before. A
 * locked monitor takes in nothing that could make another commitment valid: what waits for that is never revealed. The
 * HTLCs that would have been offered by it are kept all the same, on no commitment: they end with the channel.
 *
 * A revocation is taken in at any time. Other channels go by it: were it lost, the peer could have the commitment
 * that it has just revoked confirmed before the revocation is stored, and be safe from the penalty.
 *
 * @ldk lightning::chain::channelmonitor::ChannelMonitor::update_monitor
 */
export function applyUpdate(monitor: ChannelMonitor, update: ChannelMonitorUpdate): UpdateOutcome {
  const { latestUpdateId, lock } = monitor;
  const { updateId } = update;
  if (updateId > latestUpdateId + 1) return { kind: "gap", expected: latestUpdateId + 1 };
  const known = updateId <= latestUpdateId;
  const isAfterLock = lock !== undefined && updateId > lock.afterUpdateId;
  if (isAfterLock && !update.steps.every((step) => isTakenWhenLocked(monitor, step))) {
    if (known) return { kind: "refused", monitor };
    const rows = withNeverOffered(monitor.rows, offeredBy(update));
    return { kind: "refused", monitor: { ...monitor, latestUpdateId: updateId, rows } };
  }
  if (known) return { kind: "duplicate" };
  const next = update.steps.reduce(applyStep, { ...monitor, latestUpdateId: updateId });
  return { kind: "applied", monitor: next };
}

/** `monitor` locked: from now on commitments stay as they are. Locking twice can only add the wish to broadcast. */
export function locked(monitor: ChannelMonitor, broadcast: boolean, cause: LockCause): ChannelMonitor {
  const { lock, latestUpdateId } = monitor;
  if (lock === undefined) return { ...monitor, lock: { afterUpdateId: latestUpdateId, broadcast, cause } };
  return broadcast && !lock.broadcast ? { ...monitor, lock: { ...lock, broadcast } } : monitor;
}

/** The number of the oldest commitment that the peer has not revoked. */
export function oldestCounterpartyNumber(monitor: ChannelMonitor): CommitmentNumber {
  return present(monitor.counterparty[0], "a commitment of the peer").number;
}

/** The preimage for `paymentHash`, if an incoming HTLC may be claimed with it. */
export function preimageOf(monitor: ChannelMonitor, paymentHash: PaymentHash): Uint8Array | undefined {
  return monitor.preimages.find((known) => known.paymentHash === paymentHash)?.preimage;
}

/** HTLCs that enter the peer's commitments by this update. */
function offeredBy({ steps }: ChannelMonitorUpdate): readonly MonitoredHtlc[] {
  return steps.flatMap((step) => (step.kind === "counterparty-commitment" ? step.htlcs.entered : []));
}

function isTakenWhenLocked(monitor: ChannelMonitor, step: ChannelMonitorUpdateStep): boolean {
  switch (step.kind) {
    case "payment-preimage":
    case "channel-force-closed":
      return true;
    case "commitment-secret": {
      // Not when the commitment after it was refused: the peer was never given that one, and answers nothing we said.
      const isKnown = step.number < oldestCounterpartyNumber(monitor);
      return isKnown || monitor.counterparty.length === 2;
    }
    case "holder-commitment":
    case "counterparty-commitment":
    case "shutdown-script":
      return false;
  }
}

function applyStep(monitor: ChannelMonitor, step: ChannelMonitorUpdateStep): ChannelMonitor {
  switch (step.kind) {
    case "holder-commitment": {
      const { number } = step;
      const previous = monitor.holder.number;
      invariant(number === previous + 1, `our commitment ${number} after ${previous}`);
      const rows = changeRows(monitor.rows, step.htlcs, { side: "local", number });
      return retire({ ...monitor, holder: holderOf(step), rows });
    }
    case "counterparty-commitment": {
      const { number } = step;
      const [current, next] = monitor.counterparty;
      invariant(
        next === undefined && number === (current?.number ?? -1) + 1,
        `the peer's commitment ${number} while ${monitor.counterparty.map((one) => one.number)} are valid`,
      );
      const rows = changeRows(monitor.rows, step.htlcs, { side: "remote", number });
      return { ...monitor, counterparty: [...monitor.counterparty, counterpartyOf(step)], rows };
    }
    case "commitment-secret": {
      const [revoked, ...counterparty] = monitor.counterparty;
      invariant(
        revoked?.number === step.number && counterparty.length === 1,
        `secret of the peer's commitment ${step.number}, not of ${revoked?.number}`,
      );
      const inserted = insertSecret(monitor.secrets, step.number, step.secret as Bytes32);
      if (!inserted.ok) throw new InvariantError(`secret ${step.number} is of another seed`);
      return retire({ ...monitor, counterparty, secrets: inserted.value });
    }
    case "payment-preimage":
      return withPreimage(monitor, step);
    case "shutdown-script":
      return { ...monitor, shutdownScript: step.script };
    case "channel-force-closed":
      return locked(monitor, step.broadcast, "force-closed");
  }
}

function withPreimage(
  monitor: ChannelMonitor,
  { paymentHash, preimage, parts }: StepOf<"payment-preimage">,
): ChannelMonitor {
  const others = monitor.preimages.filter((known) => known.paymentHash !== paymentHash);
  return { ...monitor, preimages: [...others, { paymentHash, preimage, parts }] };
}

/** Moves what has become past, and forgets preimages that nothing can be claimed with. */
function retire(monitor: ChannelMonitor): ChannelMonitor {
  const { rows, retired } = retireRows(monitor.rows, oldestCounterpartyNumber(monitor));
  if (retired.length === 0) return monitor;
  const claimable = new Set<string>();
  for (const { htlc } of rows) if (htlc.direction === "incoming") claimable.add(htlc.paymentHash);
  return {
    ...monitor,
    rows,
    past: withPast(monitor.past, retired),
    preimages: monitor.preimages.filter(({ paymentHash }) => claimable.has(paymentHash)),
  };
}

function stepOf<K extends ChannelMonitorUpdateStep["kind"]>(
  update: ChannelMonitorUpdate,
  kind: K,
): StepOf<K> {
  const found = update.steps.find((step): step is StepOf<K> => step.kind === kind);
  return present(found, `the first ${kind}`);
}

function holderOf({ number, point, feerate, commitments }: StepOf<"holder-commitment">): HolderCommitment {
  return { number, point, feerate, commitments };
}

function counterpartyOf(step: StepOf<"counterparty-commitment">): CounterpartyCommitment {
  const { number, point, feerate, commitments } = step;
  return { number, point, feerate, commitments };
}
