// timeout: 600 s
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { before, describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { Coverage } from "#src/model/coverage";
import { generateScript } from "#src/model/generate";
import { runScript } from "#src/model/run";
import { parseScript } from "#src/model/script";

before(() => {
  installNodeCrypto();
});

describe("the model", () => {
  const seeds = Array.from({ length: 40 }, (_, index) => index + 1);

  it(`keeps its promises in the runs of seeds 1 to ${seeds.length}`, (context) => {
    const coverage = new Coverage();
    for (const seed of seeds) {
      coverage.runs++;
      const failure = runScript(generateScript(seed), coverage);
      if (failure === undefined) continue;
      throw new Error(`seed ${seed}: npm run fuzz -- model --runs 1 --seed ${seed}`, {
        cause: failure.error,
      });
    }
    context.diagnostic(coverage.report());
    assert.deepEqual(coverage.idleKinds, []);
    assert.ok(coverage.actions > 5_000);
  });
});

describe("a script that once found a bug", () => {
  const directory = new URL("../found/", import.meta.url);
  const files = readdirSync(directory).filter((file) => file.endsWith(".jsonl"));

  for (const file of files) {
    it(file, () => {
      const script = parseScript(readFileSync(new URL(file, directory), "utf8"));
      const failure = runScript(script, new Coverage());
      if (failure !== undefined) throw failure.error;
    });
  }

  it("is not alone", () => {
    assert.ok(files.length > 0);
  });
});
