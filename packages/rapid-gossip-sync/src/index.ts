export { type FetchFailure, type FetchOptions, fetchSnapshot } from "./fetchSnapshot.ts";
export { type ArchivedSnapshot, SnapshotArchive, type SnapshotArchiveOptions } from "./snapshotArchive.ts";
export { RapidGossipSyncServer, type RapidGossipSyncServerOptions } from "./snapshotServer.ts";
export { type SyncFailure, syncFrom } from "./syncFrom.ts";
