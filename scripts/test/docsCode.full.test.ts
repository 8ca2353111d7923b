import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { workspaceRoot } from "../source/workspace.ts";

/** What pages speak of without saying where it comes from. */
const spokenOf = `
declare const node: import("@fulmen/node").Node;
declare const lastIndex: number;
declare const shop: { paid(hash: string): Promise<void>; remember(index: number): Promise<void> };
declare const file: { write(text: string): void };
declare const graph: import("@fulmen/lightning/gossip").NetworkGraph;
declare const now: import("@fulmen/lightning/util").UnixSeconds;
declare const options: import("@fulmen/background").BackgroundProcessorOptions;
declare const background: import("@fulmen/background").BackgroundProcessor;
declare const nodeId: import("@fulmen/lightning/util").NodeId;
declare const network: import("@fulmen/bitcoin/network").Network;
declare const keys: import("@fulmen/lightning/sign").KeysManager;
declare const entropy: import("@fulmen/lightning/chain").EntropySource;
declare const chainMonitor: import("@fulmen/lightning/manager").ChainMonitor;
declare const channelConfig: import("@fulmen/lightning/channel").UserConfig["channelConfig"];
declare const path: string;
declare const bytes: Uint8Array;
declare function addressesOf(peer: typeof nodeId): readonly string[];
declare const emptyStore: import("@fulmen/lightning/chain").KVStore;
declare const from: typeof emptyStore;
declare const to: typeof emptyStore;
declare const store: Awaited<ReturnType<typeof import("@fulmen/persist/postgres").waitForLease>>;
declare const signal: AbortSignal;
declare const chainBroadcaster: import("@fulmen/lightning/chain").BroadcasterInterface;
declare const logger: import("@fulmen/lightning/handlers").Logger;
`;

const compilerOptions = {
  composite: false,
  noEmit: true,
  noUnusedLocals: false,
  types: ["node"],
};

test("TypeScript in the README and the docs compiles", () => {
  const folder = mkdtempSync(join(workspaceRoot, "docs", "code-"));
  try {
    const blocks = globSync(["README.md", "docs/*.md", "packages/*/README.md"], {
      cwd: workspaceRoot,
    }).flatMap(blocksOf);
    assert.ok(blocks.length > 12, `only ${blocks.length} blocks were found`);
    for (const { name, code } of blocks) writeFileSync(join(folder, `${name}.ts`), code);
    writeFileSync(join(folder, "spokenOf.d.ts"), spokenOf);
    const config = { extends: "../../tsconfig.base.json", compilerOptions, include: ["."] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const tsc = join(workspaceRoot, "node_modules", ".bin", "tsc");
    const { status, stdout } = spawnSync(tsc, ["-p", folder], { encoding: "utf8" });
    assert.equal(stdout, "");
    assert.equal(status, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Each block of a page as a module of its own, named by page and line. */
function blocksOf(page: string): readonly { readonly name: string; readonly code: string }[] {
  const text = readFileSync(join(workspaceRoot, page), "utf8");
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(({ 1: code = "", index }) => {
    const line = text.slice(0, index).split("\n").length + 1;
    return { name: `${page.replaceAll("/", "-").replace(".md", "")}-line-${line}`, code };
  });
}
