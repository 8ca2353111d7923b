import { type FileHandle, mkdir, open, readdir, rename, unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { FileSystem, OpenFile } from "./fileSystem.ts";

const flags = { read: "r", update: "r+", create: "w+" } as const;

/** The machine's file system. */
export const nodeFileSystem: FileSystem = {
  async makeFolder(folder) {
    const highest = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (highest === undefined) return;
    // Each new folder is an entry of the one above it.
    for (let made = resolve(folder); made.length >= resolve(highest).length; made = dirname(made)) {
      await syncFolder(dirname(made));
    }
  },
  list: (folder) => readdir(folder),
  open: async (path, mode) => new NodeFile(await open(path, flags[mode], 0o600)),
  rename,
  remove: unlink,
  syncFolder,
};

async function syncFolder(folder: string): Promise<void> {
  // Windows has no such call, and keeps the order of changes to a folder by itself.
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

class NodeFile implements OpenFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#handle.read(bytes, done, length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
