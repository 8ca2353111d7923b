import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ChainSourceError } from "@fulmen/chain-sync";
import { BitcoindSource } from "@fulmen/chain-sync/bitcoind";
import { Node, NodeError, type NodeOptions } from "@fulmen/node";
import { MemoryStore } from "@fulmen/persist/memory";
import { SimulatedChainSource } from "@fulmen/testkit/chainSource";
import { Playfield, until } from "./support/playfield.ts";

const field = new Playfield();
const folder = mkdtempSync(join(tmpdir(), "fulmen-start-"));
const sqlite = join(folder, "node.sqlite");
after(async () => {
  await field.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Fails to start, says why and what to do, and leaves nothing: the same options with `cure` start. */
async function failsToStart(
  options: NodeOptions,
  code: string,
  cure: Partial<NodeOptions>,
): Promise<NodeError> {
  const node = new Node(options);
  const error = await node.start().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof NodeError, String(error));
  assert.equal(error.code, code, error.message);
  assert.notEqual(error.remedy, "");
  assert.equal(node.status().phase, "stopped");
  const cured = await Node.create({ ...options, chain: new SimulatedChainSource(field.chain), ...cure });
  await cured.stop();
  return error;
}

describe("a node that cannot start says why, and leaves nothing running", () => {
  it("the store belongs to a node with another seed, or is open already", async () => {
    const own = field.options("anna", { storage: { sqlite } });
    const first = await Node.create(own);
    const second = field.options("anna", { storage: { sqlite } });
    await assert.rejects(Node.create(second), { code: "second-instance" });
    await first.stop();
    const another = field.options("otto", { storage: { sqlite } });
    const { message } = await failsToStart(another, "wrong-seed", { seed: own.seed });
    assert.match(message, new RegExp(first.nodeId));
  });

  it("the chain is another network's", async () => {
    const chain = new SimulatedChainSource(field.chain, { network: "signet" });
    await failsToStart(field.options("anna", { chain }), "wrong-network", {});
  });

  it("nobody answers at the chain source", async () => {
    const authentication = { kind: "password", user: "a", password: "b" } as const;
    const chain = new BitcoindSource({ network: "regtest", url: "http://127.0.0.1:9", authentication });
    await failsToStart(field.options("anna", { chain }), "chain-unavailable", {});
  });

  it("the port is in use", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    const options = field.options("anna", { storage: { sqlite }, listen: { port } });
    const error = await failsToStart(options, "port-in-use", { listen: { port: 0 } });
    assert.match(error.message, new RegExp(`127.0.0.1:${port}`));
    server.close();
  });

  it("a record is damaged", async () => {
    const store = new MemoryStore();
    const options = field.options("anna", { storage: store });
    await (await Node.create(options)).stop();
    const damaged = new MemoryStore();
    await damaged.commit([{ key: "node", value: Uint8Array.of(7) }]);
    await failsToStart({ ...options, storage: damaged }, "store-unusable", { storage: "memory" });
  });
});

describe("a node that starts", () => {
  it("says how far it has come on its way to the tip", async () => {
    const options = field.options("olga", { storage: { sqlite: join(folder, "olga.sqlite") } });
    await (await Node.create(options)).stop();
    const { height } = field.chain.tip;
    field.chain.mine(5);
    const source = new SimulatedChainSource(field.chain);
    const seen: string[] = [];
    const sync = source.sync.bind(source);
    source.sync = (clients, progress) =>
      sync(clients, (made) => {
        progress?.(made);
        const { phase, chain } = node.status();
        seen.push(`${phase} ${chain.height - height} of ${chain.tip - height}`);
      });
    const node = new Node({ ...options, chain: source });
    await node.start();
    await node.stop();
    for (const made of [1, 2, 3, 4, 5]) assert.ok(seen.includes(`starting ${made} of 5`), seen.join());
  });
});

describe("a node that is stopped while it starts", () => {
  for (const when of ["start", "sync"] as const) {
    it(`ends though the chain source does not answer (${when})`, async () => {
      let isAsked = false;
      let fail: (error: Error) => void = () => undefined;
      class SilentSource extends SimulatedChainSource {
        override start() {
          return when === "start" ? this.#never() : super.start();
        }

        override sync() {
          return this.#never();
        }

        override async stop() {
          await super.stop();
          fail(new ChainSourceError("stopped", "the source was stopped", "make another one"));
        }

        #never(): Promise<never> {
          isAsked = true;
          return new Promise((_, reject) => {
            fail = reject;
          });
        }
      }
      const storage = new MemoryStore();
      const node = new Node(field.options("ida", { storage, chain: new SilentSource(field.chain) }));
      const starting = node.start();
      await until(() => isAsked, "the source is asked");
      await Promise.all([node.stop(), assert.rejects(starting, { code: "not-running" })]);
      assert.equal(node.status().phase, "stopped");
      await assert.rejects(storage.read("x"), { code: "closed" });
    });
  }
});

describe("a node that is not running", () => {
  it("says so, and may be started and stopped as often as one likes", async () => {
    const node = new Node(field.options("emil", { storage: { sqlite: join(folder, "emil.sqlite") } }));
    assert.throws(() => node.balances(), { code: "not-running" });
    await assert.rejects(node.pay("x"), { code: "not-running" });
    await node.start();
    await assert.rejects(node.start(), { code: "already-started" });
    await Promise.all([node.stop(), node.stop()]);
    assert.equal(node.status().phase, "stopped");
    assert.throws(() => node.channels(), { code: "not-running" });
  });
});
