import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BitcoindServer } from "@fulmen/testkit/bitcoind";
import { HttpService } from "@fulmen/testkit/sockets";
import { createFundedChain } from "@fulmen/testkit/wallet";

const main = new URL("../../src/main.ts", import.meta.url).pathname;
export const root = mkdtempSync(join(tmpdir(), "fulmen-cli-e2e-"));
const funded = createFundedChain();
export const chain = funded.chain;
export const faucet = funded.faucet;
export const bitcoind = new BitcoindServer(chain);
const service = await HttpService.listen((request, signal) => bitcoind.answer(request, signal));
export const running = new Set();
/** Where the chain is served as Bitcoin Core does. */
export const chainUrl = `http://127.0.0.1:${service.port}`;
/** Ends all that was started, and removes all that was written. */
export async function cleanUp() {
  for (const child of running) child.kill("SIGKILL");
  await service.close();
  rmSync(root, { recursive: true, force: true });
}
export function begin(parameters, more = {}) {
  const child = spawn(process.execPath, ["--conditions=@fulmen/source", main, ...parameters], {
    env: { ...process.env, HOME: root, ...more.env },
    stdio: "pipe",
  });
  running.add(child);
  let [out, err] = ["", ""];
  const listeners = new Set();
  child.stdout.on("data", (data) => {
    out += String(data);
    for (const listener of listeners) listener();
  });
  child.stderr.on("data", (data) => {
    err += String(data);
  });
  child.stdin.end(more.input ?? "");
  const ended = new Promise((resolve) => {
    child.on("close", (code) => {
      running.delete(child);
      resolve({ code, out, err });
    });
  });
  const seen = (text) =>
    new Promise((resolve, reject) => {
      const look = () => {
        if (out.includes(text)) resolve();
      };
      listeners.add(look);
      look();
      void ended.then(() => reject(new Error(`it ended before "${text}": ${out}${err}`)));
    });
  return { child, ended, seen };
}
export const run = (parameters, more) => begin(parameters, more).ended;
/** A data folder with a node for the served chain. */
export async function newNode(name, settings = {}) {
  const folder = join(root, name);
  const { code, err } = await run(["init", "--data-dir", folder, "--network", "regtest"]);
  assert.equal(code, 0, err);
  const config = {
    network: "regtest",
    chain: { source: "bitcoind", url: chainUrl, user: "fulmen", password: "secret" },
    api: { port: 0 },
    listen: { port: 0 },
    ...settings,
  };
  writeFileSync(join(folder, "fulmen.json"), JSON.stringify(config));
  return folder;
}
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => void server.close(() => resolve()));
  return typeof address === "object" && address !== null ? address.port : 0;
}
//# sourceMappingURL=processes.js.map
