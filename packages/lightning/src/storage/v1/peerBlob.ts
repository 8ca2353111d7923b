import type { KvEntry, KvWrite } from "../../chain/kvStore.ts";
import { decode, encode } from "../../codec/codec.ts";
import { rest } from "../../codec/primitives.ts";
import type { NodeId } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { corruptRecord, reading, type StorageError } from "../storageError.ts";
import { parsePeerStorageKey, peerStorageKey } from "./keys.ts";
import { layout, needed, record } from "./layouts.ts";

interface PeerBlob {
  readonly blob: Uint8Array;
}

const peerBlob = record(layout<PeerBlob>("peer_blob", { blob: needed(0, rest) }));

/** Stores what a peer asked us to keep; deletes it without a blob. */
export function peerBlobWrite(peer: NodeId, blob: Uint8Array | undefined): KvWrite {
  return { key: peerStorageKey(peer), value: blob && encode(peerBlob, { blob }) };
}

export function readPeerBlob({
  key,
  value,
}: KvEntry): Result<{ readonly peer: NodeId; readonly blob: Uint8Array }, StorageError> {
  const peer = parsePeerStorageKey(key);
  if (peer === undefined) return err(corruptRecord(key, "its name is unknown"));
  const read = reading(key, () => decode(peerBlob, value));
  return read.ok ? ok({ peer, blob: read.value.blob }) : read;
}
