import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import type { KVStore } from "@fulmen/lightning/chain";
import { refusal } from "./refusal.ts";
import { temporaryDirectory } from "./temporaryDirectory.ts";

/** Of every store at a path: one at a time has it open. */
export function keepsOutASecond(open: (path: string) => Promise<KVStore>): void {
  it("keeps out a second store, by whatever path, and names who has it open", async (context) => {
    const directory = temporaryDirectory(context);
    const [path, link] = [join(directory, "the-node"), join(directory, "link")];
    const store = await open(path);
    symlinkSync(path, link);
    const message = new RegExp(`the-node is in use by process ${process.pid} on .+, since 2`);
    await assert.rejects(open(path), refusal("locked", message));
    await assert.rejects(open(link), refusal("locked", message));
    await store.commit([{ key: "a", value: Uint8Array.of(1) }]);
    await store.close();
    await (await open(path)).close();
  });
}
