import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { lockBeside } from "../sqlite/lock.ts";
import { loadSqlite } from "../sqlite/runtime.ts";
import { displacedStore } from "../storeError.ts";

/** A folder that this process has for itself. */
export interface Ownership {
  /**
   * Whether nobody took it over, which only someone who deletes the lock can. Rejects with `StoreError` while the
   * folder is not there.
   */
  isOurs(): Promise<boolean>;
  release(): void;
}

/** Locks a folder, which is there. Rejects with `StoreError` `locked`, which names the process that has it. */
export async function ownFolder(folder: string): Promise<Ownership> {
  const path = join(folder, "owner");
  const lock = lockBeside(loadSqlite(), {
    path: folder,
    lockPath: join(folder, "lock"),
    holder: () => holderIn(path),
  });
  try {
    const lease = randomUUID();
    const text = `${lease}\nprocess ${process.pid} on ${hostname()}, since ${new Date().toISOString()}\n`;
    await writeFile(`${path}.new`, text, { mode: 0o600 });
    await rename(`${path}.new`, path);
    return {
      isOurs: async () => {
        const found = await readFile(path, "utf8").catch(nothingWhenAbsent);
        if (found === undefined) throw displacedStore(folder);
        return found === text;
      },
      release: () => lock.release(),
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function nothingWhenAbsent(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}

function holderIn(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").split("\n")[1];
  } catch {
    // The other process is only now creating the store.
    return undefined;
  }
}
