import type { KvWrite } from "../../chain/kvStore.ts";
import { secretAt } from "../../crypto/shachain.ts";
import { type ChannelMonitor, oldestCounterpartyNumber, preimageOf } from "../../onchain/channelMonitor.ts";
import type { ChannelMonitorUpdate } from "../../onchain/channelMonitorUpdate.ts";
import type { MonitorSetup } from "../../onchain/watch.ts";
import type { Bytes32 } from "../../util/bytes.ts";
import { commitmentNumber, type PaymentHash } from "../../util/ids.ts";
import { monitorSetupKey, monitorUpdateKey } from "./keys.ts";
import { encodeMonitorSetup } from "./monitor.ts";
import {
  monitorSecretWrite,
  monitorStateWrite,
  monitorUpdateWrites,
  type StoredState,
  type StoredStep,
  storedUpdate,
} from "./monitorRows.ts";

/** Bytes of keys and values that one update may write, and for each HTLC that the peer signed with it. */
const bytesPerUpdate = 1024;
const bytesPerSignature = 100;

/** What the updates up to `foldedTo` come to. */
type Folded = Omit<StoredState, "lock" | "claims" | "handedOver" | "fundingSpend" | "spends">;

/** A row `update/<n>`. */
interface LoggedUpdate {
  readonly updateId: number;
  readonly steps: readonly StoredStep[];
  readonly changesHtlcs?: true;
}

/**
 * What the store has of one monitor, and what it is given next. An update is a row. Rows on which nothing rests any
 * more are folded into others, a few with each later update, so that none ever writes more than its share, however old
 * the channel is: of commitments that were replaced or revoked nothing is kept; a secret of the peer goes into the row
 * of its place in the shachain; and the HTLCs that came and went have a row of their own from the start.
 */
export class StoredMonitor {
  readonly #setup: MonitorSetup;
  /** Rows of updates, the oldest first: all above `#folded.foldedTo`. */
  readonly #log: LoggedUpdate[];
  #folded: Folded;

  /** A new monitor, or one as the store has it. */
  constructor(
    setup: MonitorSetup,
    stored: { readonly folded: Folded; readonly log: readonly LoggedUpdate[] } = {
      folded: unfolded,
      log: [],
    },
  ) {
    this.#setup = setup;
    this.#folded = stored.folded;
    this.#log = [...stored.log];
  }

  /** What a new monitor starts with. */
  setupWrites(): readonly KvWrite[] {
    const { channelId } = this.#setup;
    const state = { ...unfolded, spends: [], claims: [], handedOver: [] };
    return [
      { key: monitorSetupKey(channelId), value: encodeMonitorSetup(this.#setup) },
      monitorStateWrite(channelId, state),
    ];
  }

  /**
   * Stores `update`, and folds what `monitor`, which has taken in all updates that are durable, does not need. It is
   * absent as long as the setup is not durable.
   */
  updateWrites(update: ChannelMonitorUpdate, monitor: ChannelMonitor | undefined): readonly KvWrite[] {
    const writes = monitorUpdateWrites(update);
    const { updateId } = update;
    this.#log.push({ updateId, ...storedUpdate(update) });
    // A locked monitor refuses updates that the store may have: they are read again as they are.
    if (monitor === undefined || monitor.lock !== undefined) return writes;
    const room = bytesPerUpdate + bytesPerSignature * signaturesIn(update) - bytesOf(writes);
    return [...writes, ...this.#fold(monitor, room)];
  }

  /** Stores what the chain told `monitor`, and its lock. */
  stateWrites({ lock, claims, handedOver, chain }: ChannelMonitor): readonly KvWrite[] {
    const { fundingSpend, spends } = chain;
    const onChain = {
      claims,
      handedOver,
      spends,
      ...(lock && { lock }),
      ...(fundingSpend && { fundingSpend }),
    };
    return [monitorStateWrite(this.#setup.channelId, { ...this.#folded, ...onChain })];
  }

  /** Folds rows, the oldest first, as long as there is `room` for what that writes. */
  #fold(monitor: ChannelMonitor, room: number): readonly KvWrite[] {
    const { channelId } = this.#setup;
    const writes: KvWrite[] = [];
    let folded = this.#folded;
    let state: readonly KvWrite[] = [];
    let count = 0;
    for (const update of this.#log) {
      if (update.updateId > monitor.latestUpdateId || !this.#isPast(update, monitor)) break;
      const next = withUpdate(folded, update);
      const nextState = [monitorStateWrite(channelId, { ...next, spends: [], claims: [], handedOver: [] })];
      const secrets = update.steps.flatMap((step) =>
        step.kind === "commitment-secret"
          ? [monitorSecretWrite(channelId, secretAt(step.number, step.secret as Bytes32))]
          : [],
      );
      const more = [{ key: monitorUpdateKey(channelId, update.updateId), value: undefined }, ...secrets];
      if (bytesOf([...writes, ...more, ...nextState]) > room) break;
      writes.push(...more);
      folded = next;
      state = nextState;
      count++;
    }
    this.#folded = folded;
    this.#log.splice(0, count);
    return [...writes, ...state];
  }

  /** Whether nothing rests on the row of an update, once it is folded. */
  #isPast({ updateId, steps }: LoggedUpdate, monitor: ChannelMonitor): boolean {
    return steps.every((step) => this.#isPastStep(step, updateId, monitor));
  }

  #isPastStep(step: StoredStep, updateId: number, monitor: ChannelMonitor): boolean {
    switch (step.kind) {
      case "holder-commitment":
        return step.number < monitor.holder.number;
      case "counterparty-commitment":
        return step.number < oldestCounterpartyNumber(monitor);
      case "payment-preimage":
        return !this.#isLatestPreimage(step.paymentHash, updateId, monitor);
      case "commitment-secret":
      case "shutdown-script":
        return true;
      case "channel-force-closed":
        return false;
    }
  }

  /** Whether `monitor` knows the preimage by update `updateId`, and not by a later one too. */
  #isLatestPreimage(hash: PaymentHash, updateId: number, monitor: ChannelMonitor): boolean {
    if (preimageOf(monitor, hash) === undefined) return false;
    return !this.#log.some(
      (later) =>
        later.updateId > updateId &&
        later.updateId <= monitor.latestUpdateId &&
        later.steps.some((step) => step.kind === "payment-preimage" && step.paymentHash === hash),
    );
  }
}

const first = commitmentNumber(0);
const unfolded: Folded = { foldedTo: 1, holder: first, oldest: first, latest: first, changes: 0 };

function withUpdate(before: Folded, { updateId, steps, changesHtlcs }: LoggedUpdate): Folded {
  let folded: Folded = {
    ...before,
    foldedTo: updateId,
    changes: before.changes + (changesHtlcs === true ? 1 : 0),
  };
  for (const step of steps) {
    if (step.kind === "holder-commitment") folded = { ...folded, holder: step.number };
    else if (step.kind === "counterparty-commitment") folded = { ...folded, latest: step.number };
    else if (step.kind === "commitment-secret")
      folded = { ...folded, oldest: commitmentNumber(step.number + 1) };
    else if (step.kind === "shutdown-script") folded = { ...folded, shutdownScript: step.script };
  }
  return folded;
}

function signaturesIn({ steps }: ChannelMonitorUpdate): number {
  let signatures = 0;
  for (const step of steps) {
    if (step.kind !== "holder-commitment") continue;
    for (const { htlcSignatures } of step.commitments) signatures += htlcSignatures.length;
  }
  return signatures;
}

/** What the store is handed. Keys are ASCII. */
function bytesOf(writes: readonly KvWrite[]): number {
  return writes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
}
