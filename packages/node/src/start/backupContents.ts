import type { ChannelId, NodeId, Sat } from "@fulmen/lightning/util";
import type { NodeOptions } from "../api/options.ts";
import { networkOf, userConfig } from "../config/index.ts";
import { nodeKeys } from "../seed/index.ts";
import { openedBackup, restoredRecords } from "./restoreBackup.ts";

/** What a static channel backup has. */
export interface BackupContents {
  /** By the clock of the node that made it, about, in seconds since 1970. */
  readonly madeAt: number;
  readonly channels: readonly {
    readonly channelId: ChannelId;
    readonly peer: NodeId;
    readonly capacity: Sat;
  }[];
}

/**
 * Looks into a static channel backup, for whoever wants to know what it is good for before it is needed. Throws
 * `backup-unusable`, `wrong-network` and `wrong-seed` where a node of these options could not restore from it, and
 * `invalid-seed`.
 */
export function readBackup(
  bytes: Uint8Array,
  owner: Pick<NodeOptions, "network" | "seed" | "passphrase" | "development">,
): BackupContents {
  const { keys } = nodeKeys(owner);
  const backup = openedBackup(bytes, keys);
  restoredRecords(backup, { keys, network: networkOf(owner.network), config: userConfig(owner) });
  return {
    madeAt: backup.counter,
    channels: backup.channels.map(({ channelId, counterparty, funding }) => ({
      channelId,
      peer: counterparty,
      capacity: funding.capacity,
    })),
  };
}
