import type { KvEntry } from "../../chain/kvStore.ts";
import { array16 } from "../../codec/array.ts";
import { type Codec, decode, encode } from "../../codec/codec.ts";
import {
  bool,
  bytes32,
  channelId,
  feerate32,
  msat64,
  nodeId,
  paymentHash,
  point,
  rest,
  restScript,
  sat64,
  signature,
  txid,
  varScript,
} from "../../codec/primitives.ts";
import { struct } from "../../codec/struct.ts";
import type {
  ChannelMonitorUpdate,
  ChannelMonitorUpdateStep,
  CommitmentBalances,
  HtlcChanges,
} from "../../onchain/channelMonitorUpdate.ts";
import type { MonitorSetup } from "../../onchain/watch.ts";
import type { Result } from "../../util/result.ts";
import { reading, type StorageError } from "../storageError.ts";
import { htlcSignature } from "./commitments.ts";
import { specHtlc, updateRef } from "./htlcRows.ts";
import { layout, needed, record, union } from "./layouts.ts";
import { basepoints, channelParams } from "./params.ts";
import { blockHeight, commitmentNumber, count, htlcKeyText, htlcRef, outPoint } from "./values.ts";

const htlcChanges: Codec<HtlcChanges> = struct("htlc_changes", {
  entered: array16(specHtlc),
  left: array16(htlcKeyText),
});

const balances = {
  funding: outPoint,
  txid,
  toLocal: msat64,
  toRemote: msat64,
};

/** A commitment of the peer for one funding output. */
const counterpartyBalances: Codec<CommitmentBalances> = struct("commitment_balances", balances);

/** A commitment of ours for one funding output, as the peer signed it. */
const holderBalances = struct("holder_balances", {
  ...balances,
  signature,
  htlcSignatures: array16(htlcSignature),
});

const updateStep: Codec<ChannelMonitorUpdateStep> = union<ChannelMonitorUpdateStep>("update_step", {
  "holder-commitment": [
    0,
    {
      number: needed(0, commitmentNumber),
      point: needed(2, point),
      feerate: needed(4, feerate32),
      htlcs: needed(6, htlcChanges),
      commitments: needed(8, array16(holderBalances)),
    },
  ],
  "counterparty-commitment": [
    1,
    {
      number: needed(0, commitmentNumber),
      point: needed(2, point),
      feerate: needed(4, feerate32),
      htlcs: needed(6, htlcChanges),
      commitments: needed(8, array16(counterpartyBalances)),
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

/** A whole update. */
export const monitorUpdateLayout: Codec<ChannelMonitorUpdate> = layout<ChannelMonitorUpdate>(
  "monitor_update",
  {
    channelId: needed(0, channelId),
    updateId: needed(2, count),
    steps: needed(4, array16(updateStep)),
    after: needed(6, array16(updateRef)),
  },
);

const funding: Codec<MonitorSetup["funding"]> = struct("monitor_funding", {
  outPoint,
  capacity: sat64,
  localKey: point,
  remoteKey: point,
  script: varScript,
});

/** All that a monitor starts with. */
export const monitorSetupLayout: Codec<MonitorSetup> = layout<MonitorSetup>("monitor_setup", {
  channelId: needed(0, channelId),
  counterparty: needed(2, nodeId),
  channelKeysId: needed(4, rest),
  params: needed(6, channelParams),
  funding: needed(8, funding),
  bestHeight: needed(10, blockHeight),
  basepoints: needed(12, basepoints),
  initial: needed(14, monitorUpdateLayout),
});

const monitorSetup = record(monitorSetupLayout);

/** The record `monitor/<id>/setup`. */
export function encodeMonitorSetup(setup: MonitorSetup): Uint8Array {
  return encode(monitorSetup, setup);
}

export function readMonitorSetup({ key, value }: KvEntry): Result<MonitorSetup, StorageError> {
  return reading(key, () => decode(monitorSetup, value));
}
