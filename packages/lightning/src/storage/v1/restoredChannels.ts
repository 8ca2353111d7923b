import type { KvWrite } from "../../chain/kvStore.ts";
import type { ChannelConfig } from "../../channel/config.ts";
import { type ChannelIdentity, type FundedChannel, nothingExchanged } from "../../channel/state.ts";
import type { ActiveFunding, Commitments } from "../../commitment/commitments.ts";
import { emptyShachain } from "../../crypto/shachain.ts";
import type { ChannelMonitorUpdateStep } from "../../onchain/channelMonitorUpdate.ts";
import type { MonitorSetup } from "../../onchain/watch.ts";
import type { ChannelSigner, SignerProvider } from "../../sign/channelSigner.ts";
import { equalBytes, type Script } from "../../util/bytes.ts";
import { commitmentNumber, htlcId, type ShortChannelId } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { Features } from "../../wire/features.ts";
import { corruptRecord, type StorageError } from "../storageError.ts";
import { channelWrites } from "./channel.ts";
import { coreKey } from "./keys.ts";
import { openNodeRecord } from "./node.ts";
import { type BackupOwner, ownBackup, type StaticBackup } from "./staticBackup.ts";
import { StoredMonitor } from "./storedMonitor.ts";

/** What a node is restored with. */
export interface RestoreTerms extends BackupOwner {
  readonly signerProvider: SignerProvider;
  /** For the records only: nothing is forwarded over these channels any more. */
  readonly channelConfig: ChannelConfig;
}

/** A store's first records. */
export interface RestoredStore {
  /** For an empty store, as one batch. */
  readonly writes: readonly KvWrite[];
  /** The chain must be read from this height on: one of the channels may have been closed since. */
  readonly oldestHeight: number | undefined;
}

type StepOf<K extends ChannelMonitorUpdateStep["kind"]> = Extract<ChannelMonitorUpdateStep, { kind: K }>;

/**
 * The records of a node whose store is lost, from its static backup. Its channels wait for their peers to close them:
 * on each connection they say, by numbers from the very beginning, that they have lost everything (BOLT 2,
 * `option_data_loss_protect`), and ask to close. What a peer's commitment pays us is found, whatever its number, and
 * swept; HTLCs that are in flight at that moment are lost, and so is the proof against a peer that publishes an old
 * commitment. Nothing of ours is ever broadcast.
 */
export function restoredStore(
  backup: StaticBackup,
  terms: RestoreTerms,
): Result<RestoredStore, StorageError> {
  const own = ownBackup(backup, terms);
  if (!own.ok) return own;
  const node = openNodeRecord({ ...terms, stored: undefined, storeIsEmpty: true });
  if (!node.ok) return node;
  const writes = [...node.value];
  let oldestHeight: number | undefined;
  for (const [index, setup] of backup.channels.entries()) {
    const channel = restoredChannel(setup, terms, index);
    if (!channel.ok) return channel;
    writes.push(...channel.value);
    oldestHeight = Math.min(oldestHeight ?? setup.bestHeight, setup.bestHeight);
  }
  return ok({ writes, oldestHeight });
}

function restoredChannel(
  setup: MonitorSetup,
  terms: RestoreTerms,
  index: number,
): Result<readonly KvWrite[], StorageError> {
  const signer = terms.signerProvider.deriveChannelSigner(setup.channelKeysId);
  if (!equalBytes(signer.fundingKey, setup.funding.localKey)) {
    return err(corruptRecord(coreKey(setup.channelId), "its keys are not those of this seed"));
  }
  const theirs = setup.initial.steps.find((step) => step.kind === "counterparty-commitment");
  const balances = theirs?.commitments[0];
  if (theirs === undefined || balances === undefined) {
    return err(corruptRecord(coreKey(setup.channelId), "it has no commitment of the peer"));
  }
  const shutdownScript = terms.signerProvider.shutdownScript() as Script;
  const { outPoint, capacity, localKey, remoteKey } = setup.funding;
  const { toLocal: localBalance, toRemote: remoteBalance } = balances;
  const funding: ActiveFunding = { outPoint, capacity, localKey, remoteKey, localBalance, remoteBalance };
  const channel: FundedChannel = {
    identity: identityOf(setup, { shutdownScript, index, config: terms.channelConfig }),
    channelKeysId: setup.channelKeysId,
    temporaryChannelId: setup.channelId,
    commitments: commitmentsOf(setup, { signer, funding, theirs }),
    minimumDepth: 1,
    fundingStatus: { kind: "unconfirmed", since: setup.bestHeight },
    localReady: true,
    remoteReady: true,
    announcementSignatures: {},
    incoming: [],
    outgoing: [],
    lastUpdateId: 1,
    shutdown: {},
    exchanged: nothingExchanged,
  };
  // A close that both had signed may be what spends the funding.
  const steps = [...setup.initial.steps, { kind: "shutdown-script", script: shutdownScript } as const];
  const monitor = new StoredMonitor({ ...setup, initial: { ...setup.initial, steps } });
  return ok([
    ...channelWrites(undefined, { kind: "wait-for-remote-close", channel }, []),
    ...monitor.setupWrites(),
  ]);
}

interface IdentityParts {
  readonly shutdownScript: Script;
  readonly index: number;
  readonly config: ChannelConfig;
}

function identityOf(setup: MonitorSetup, { shutdownScript, index, config }: IdentityParts): ChannelIdentity {
  return {
    counterparty: setup.counterparty,
    userChannelId: 0n,
    config,
    announce: false,
    // Nobody is told of it: it only has to differ from others.
    localAlias: ((1n << 40n) | BigInt(index)) as ShortChannelId,
    scidPrivacy: false,
    shutdownScript,
    remoteFeatures: Features.of({}),
  };
}

interface CommitmentParts {
  readonly signer: ChannelSigner;
  readonly funding: ActiveFunding;
  readonly theirs: StepOf<"counterparty-commitment">;
}

/** The commitments as they began. */
function commitmentsOf(setup: MonitorSetup, { signer, funding, theirs }: CommitmentParts): Commitments {
  const { channelId, params } = setup;
  const first = commitmentNumber(0);
  const point = (number: number) => signer.point(commitmentNumber(number));
  const state = params.isOpener ? "sent-add-ack-revocation" : "received-add-ack-revocation";
  return {
    channelId,
    params,
    fundings: [funding],
    htlcs: [],
    feerates: [{ feerate: theirs.feerate, state }],
    localNumber: first,
    remoteNumber: first,
    localPoints: [point(0), point(1), point(2)],
    remotePoint: theirs.point,
    remoteSecrets: emptyShachain,
    nextLocalHtlcId: htlcId(0),
    nextRemoteHtlcId: htlcId(0),
  };
}
