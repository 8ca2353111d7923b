/** What the store needs of a file that is open. Every call may be rejected, as on a full or broken disk. */
export interface OpenFile {
  /** Bytes from `position` on: `length` of them, or fewer when the file ends before. */
  read(position: number, length: number): Promise<Uint8Array>;
  size(): Promise<number>;
  /** Writes all of `bytes`, or is rejected after any number of them. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(length: number): Promise<void>;
  /** Fulfilled when all that was written survives a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * What the store needs of a file system. What is created, renamed or removed survives a power cut once `syncFolder` is
 * fulfilled.
 */
export interface FileSystem {
  /** Creates the folder, for its owner alone, and those above it, where they are missing. */
  makeFolder(folder: string): Promise<void>;
  /** The names in a folder. */
  list(folder: string): Promise<readonly string[]>;
  /** `create` empties a file that is there. */
  open(path: string, mode: "read" | "update" | "create"): Promise<OpenFile>;
  /** Replaces a file that has the new name. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  syncFolder(folder: string): Promise<void>;
}
