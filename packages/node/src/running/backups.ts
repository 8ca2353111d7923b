import { StaticBackups, systemClock } from "@fulmen/background";
import type { NodeId } from "@fulmen/lightning/util";
import { replaceFile } from "@fulmen/persist/exportFile";
import type { NodeParts } from "../parts/index.ts";

/** The name of the place that the peers are. */
export const peersPlace = "the peers";

/** Keeps the static channel backup in the files that the options name, and with the peers. */
export function staticBackups(
  { options, keys, network, entropy, chainMonitor, peerStorage, logger }: NodeParts,
  addresses: (nodeId: NodeId) => readonly string[],
): StaticBackups {
  const files = (options.backupFiles ?? []).map((path) => ({
    name: path,
    write: (backup: Uint8Array) => replaceFile(path, backup),
  }));
  const peers = {
    name: peersPlace,
    write: async (backup: Uint8Array): Promise<void> => {
      if (peerStorage.setBackup(backup)) return;
      const text = "the static channel backup is too long for peers to keep";
      logger.log({ level: "warn", module: "backup", text });
    },
  };
  return new StaticBackups({
    nodeId: keys.nodeId,
    key: keys.peerStorageKey(),
    clock: systemClock,
    setups: () => [...chainMonitor.monitors()].map(({ setup }) => setup),
    places: [...files, peers],
    failed: ({ name }, error, delay) => {
      const why = error instanceof Error ? error.message : String(error);
      const text = `${name} did not take the static channel backup, again in ${delay / 1_000} s: ${why}`;
      logger.log({ level: "error", module: "backup", text });
    },
    ...{ network, entropy, addresses },
  });
}
