import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

describe("the Electrum source in a page", () => {
  it("is bundled without anything of Node", async () => {
    const { metafile, outputFiles } = await build({
      stdin: {
        contents: 'export { ElectrumSource } from "@fulmen/chain-sync/electrum";',
        resolveDir: fileURLToPath(new URL(".", import.meta.url)),
      },
      bundle: true,
      platform: "browser",
      format: "esm",
      minify: true,
      conditions: ["@fulmen/source"],
      metafile: true,
      write: false,
    });
    const imports = Object.values(metafile.inputs).flatMap((input) => input.imports.map(({ path }) => path));
    assert.deepEqual(
      imports.filter((path) => path.startsWith("node:")),
      [],
    );
    assert.ok((outputFiles[0]?.contents.length ?? 0) > 10_000);
  });
});
