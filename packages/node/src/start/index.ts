export { type BackupRow, readBackupRow } from "./backupRow.ts";
export type { PartsObserver } from "./observer.ts";
export { backupInFile } from "./restoreBackup.ts";
export { StartedParts } from "./stack.ts";
export { startParts } from "./startParts.ts";
