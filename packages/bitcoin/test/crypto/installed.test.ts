import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

// What the test run itself loads beforehand shall not be installed there.
const withoutImports = process.execArgv.filter((argument) => !argument.startsWith("--import"));

// What is installed stays for the life of a process, so each of these runs in a worker with modules of its own.
function inWorker(body: string): Promise<unknown> {
  const source = `
    import { parentPort } from "node:worker_threads";
    import { crypto, installCrypto, nobleProvider } from ${JSON.stringify(import.meta.resolve("@fulmen/bitcoin/crypto"))};
    parentPort.postMessage((() => { ${body} })());
  `;
  const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  return new Promise((resolve, reject) => {
    const worker = new Worker(url, { execArgv: withoutImports });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

test("an installed provider is what crypto() answers, and a second one is refused", async () => {
  const seen = await inWorker(`
    const before = crypto().name;
    installCrypto({ name: "first", sha1: (data) => nobleProvider.sha1(data) });
    const after = crypto().name;
    try { installCrypto({ name: "second" }); } catch (error) { return [before, after, crypto().name, error.message]; }
  `);
  assert.deepEqual(seen, ["noble", "first", "first", "a crypto provider is installed already: first"]);
});

test("a provider that errs is not installed, and leaves the place free", async () => {
  const seen = await inWorker(`
    let message;
    try { installCrypto({ name: "bad", sha1: (data) => data }); } catch (error) { message = error.message; }
    const kept = crypto().name;
    installCrypto({ name: "good" });
    return [message, kept, crypto().name];
  `);
  assert.deepEqual(seen, ["bad: known-answer test of sha1 failed", "noble", "good"]);
});
