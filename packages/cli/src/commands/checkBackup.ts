import { type BackupContents, readBackup } from "@fulmen/node";
import { daemonConfig } from "../config/daemonConfig.ts";
import { readConfig } from "../config/readConfig.ts";
import { dataFolder } from "../daemon/dataFolder.ts";
import { readBackupFile } from "../daemon/restoreSource.ts";
import { readSeed } from "../daemon/seedFile.ts";
import { showSat, showTime } from "../output/amounts.ts";
import { seedPassphrase } from "../output/passphrase.ts";
import { say } from "../output/terminal.ts";

/** `fulmen backup --check`: whether this node could be restored from a file. No daemon is asked. */
export async function checkBackup(
  file: string | undefined,
  { dataDir }: { readonly dataDir?: string },
): Promise<void> {
  const folder = dataFolder(dataDir);
  const { network, development } = daemonConfig(readConfig(folder.config, process.env));
  const seed = await readSeed(folder.seed, seedPassphrase);
  const bytes = readBackupFile(file ?? folder.backup);
  sayBackup(readBackup(bytes, { network, seed, ...(development && { development }) }));
}

/** What a backup has, in lines. */
export function sayBackup({ madeAt, channels }: BackupContents): void {
  say(
    `The backup is of ${showTime(madeAt)} and has ${channels.length} channel${channels.length === 1 ? "" : "s"}.`,
  );
  for (const { channelId, peer, capacity } of channels)
    say(`  ${channelId.slice(0, 16)}  ${showSat(capacity)}  with ${peer}`);
}
