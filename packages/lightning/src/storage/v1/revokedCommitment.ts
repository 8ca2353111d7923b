import type { KvEntry } from "../../chain/kvStore.ts";
import { decode } from "../../codec/codec.ts";
import type { ActiveFunding } from "../../commitment/commitments.ts";
import type { ChannelParams } from "../../commitment/params.ts";
import type { SpecHtlc } from "../../commitment/spec.ts";
import { secretFor } from "../../crypto/shachain.ts";
import type { Bytes32 } from "../../util/bytes.ts";
import type { CommitmentNumber } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { corruptRecord, missingRecord, reading, type StorageError } from "../storageError.ts";
import { dispositionRow, htlcIntervalRow, htlcStaticRow, settledRow } from "./htlcRows.ts";
import { channelsPrefix, commitmentsKey, type HtlcRow, htlcPrefix } from "./keys.ts";
import { readWithoutHtlcs, recordsByChannel } from "./readChannel.ts";

/** A commitment that the peer revoked: with our keys, all that is needed to take every output of it. */
export interface RevokedCommitment {
  readonly number: CommitmentNumber;
  readonly params: ChannelParams;
  readonly fundings: readonly ActiveFunding[];
  /** The per-commitment secret that the peer revealed. */
  readonly secret: Bytes32;
  /** Those that were on it, trimmed ones included; directions in our view. */
  readonly htlcs: readonly SpecHtlc[];
}

/**
 * What the peer's revoked commitment `number` contained, from a channel's records alone: the entries below its
 * `channelPrefix` and those below its `settledPrefix`, of which the ones up to `settledAfter` may be left out. A
 * number that the peer has not revoked is the caller's mistake and gives `missing`: there is no secret of it.
 */
export function revokedCommitment(
  entries: readonly KvEntry[],
  number: CommitmentNumber,
): Result<RevokedCommitment, StorageError> {
  const live = recordsByChannel(entries.filter(({ key }) => key.startsWith(channelsPrefix)));
  if (!live.ok) return live;
  const [records] = live.value;
  if (records === undefined) return err(missingRecord(channelsPrefix, "the records of a channel"));
  const { channelId } = records;
  const channel = readWithoutHtlcs(records);
  if (!channel.ok) return channel;
  const { params, fundings, remoteSecrets } = channel.value.commitments;
  const secret = secretFor(remoteSecrets, number);
  if (secret === undefined) {
    return err(missingRecord(commitmentsKey(channelId), `the secret of the peer's commitment ${number}`));
  }
  const htlcs: SpecHtlc[] = [];
  for (const [name, rows] of records.htlcs) {
    const prefix = htlcPrefix(channelId, name);
    const found = reading(prefix, () => readRemoteInterval(rows));
    if (!found.ok) return found;
    if (found.value === undefined) return err(missingRecord(prefix, "a row of an HTLC"));
    const { htlc, remoteEntered, remoteLeft } = found.value;
    if (contains(number, remoteEntered, remoteLeft)) htlcs.push(htlc);
  }
  for (const { key, value } of entries) {
    if (key.startsWith(channelsPrefix)) continue;
    const row = reading(key, () => decode(settledRow, value));
    if (!row.ok) return row;
    if (!key.startsWith(`settled/${channelId}/`))
      return err(corruptRecord(key, `no row of channel ${channelId}`));
    if (contains(number, row.value.remoteEntered, row.value.remoteLeft)) htlcs.push(row.value.htlc);
  }
  return ok({ number, params, fundings, secret, htlcs });
}

/** A live HTLC, and in which of the peer's commitments it is; `undefined` when a row is missing. */
function readRemoteInterval(rows: Readonly<Partial<Record<HtlcRow, Uint8Array>>>):
  | {
      readonly htlc: SpecHtlc;
      readonly remoteEntered?: CommitmentNumber;
      readonly remoteLeft?: CommitmentNumber;
    }
  | undefined {
  const { static: fixed, interval, disposition, onion } = rows;
  if (fixed === undefined) return undefined;
  const row = decode(htlcStaticRow, fixed);
  if (row.htlc.direction === "outgoing") {
    return { ...row, ...(interval && decode(htlcIntervalRow, interval)) };
  }
  if (disposition === undefined) return onion && row;
  return { ...row, ...decode(dispositionRow, disposition) };
}

/** Whether the commitments from `entered` up to the one before `left` have `number` among them. */
function contains(
  number: CommitmentNumber,
  entered: CommitmentNumber | undefined,
  left: CommitmentNumber | undefined,
): boolean {
  return entered !== undefined && entered <= number && (left === undefined || number < left);
}
