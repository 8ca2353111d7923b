import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { gzipSync } from "node:zlib";
import { benchGraph } from "#src/benchGraph";

const dump = JSON.stringify({
  nodes: [
    [`02${"11".repeat(32)}`, "a"],
    [`03${"22".repeat(32)}`, "b"],
  ],
  channels: [[0, 1, 1000, [1, 990_000, 2, 3, 40], null]],
});

it("the graph of the benches -- from a file, compressed or not", (test) => {
  const directory = mkdtempSync(join(tmpdir(), "fulmen-tests-"));
  test.after(() => rmSync(directory, { recursive: true }));
  for (const [name, bytes] of [
    ["graph.json", dump],
    ["graph.json.gz", gzipSync(dump)],
  ] as const) {
    writeFileSync(join(directory, name), bytes);
    const graph = benchGraph(join(directory, name));
    assert.equal(graph.source, `${name}, 2 nodes, 1 channels`);
    assert.equal(graph.dump.channels[0]?.oneToTwo?.feeProportionalMillionths, 3);
  }
});
