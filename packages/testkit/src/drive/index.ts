export { type DrivenChannel, drive } from "./drive.ts";
export { InputJournal, ReplayDivergedError, replayJournal } from "./journal.ts";
