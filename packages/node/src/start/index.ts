export { type BackupRow, readBackupRow } from "./backupRow.ts";
export { backupInFile } from "./restoreBackup.ts";
export { StartedParts } from "./stack.ts";
export { type PartsObserver, startParts } from "./startParts.ts";
