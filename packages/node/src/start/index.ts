export { backupInFile, lastBackupCounter } from "./restoreBackup.ts";
export { StartedParts } from "./stack.ts";
export { startParts } from "./startParts.ts";
