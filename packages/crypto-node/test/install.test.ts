import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { overNoble } from "@fulmen/bitcoin/crypto";
import { nodeMethods } from "#src/nodeCrypto";

test("without the addon, node:crypto alone gives all known answers", () => {
  const provider = overNoble({ name: "noble + node:crypto", ...nodeMethods() });
  assert.equal(provider.name, "noble + node:crypto");
});

// What the test run itself loads beforehand shall not be installed there.
const withoutImports = process.execArgv.filter((argument) => !argument.startsWith("--import"));

// An installation lasts as long as its process: it happens in a worker, which has modules of its own.
test("installation answers with the provider's name, once", async () => {
  const source = `
    import { parentPort } from "node:worker_threads";
    import { crypto } from ${JSON.stringify(import.meta.resolve("@fulmen/bitcoin/crypto"))};
    import { installNodeCrypto } from ${JSON.stringify(import.meta.resolve("@fulmen/crypto-node"))};
    const name = installNodeCrypto();
    try { installNodeCrypto(); } catch (error) { parentPort.postMessage([name, crypto().name, error.name]); }
  `;
  const seen = await new Promise((resolve, reject) => {
    const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    const worker = new Worker(url, { execArgv: withoutImports });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  const name = "libsecp256k1 + node:crypto";
  assert.deepEqual(seen, [name, name, "CryptoError"]);
});
