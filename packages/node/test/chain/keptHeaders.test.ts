import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChainSourceError } from "@fulmen/chain-sync";
import { type BlockHeight, blockHeight } from "@fulmen/lightning/util";
import { MemoryStore } from "@fulmen/persist/memory";
import { SimulatedChain } from "@fulmen/testkit/chain";
import { SimulatedChainSource } from "@fulmen/testkit/chainSource";
import { KeptHeaders } from "#src/chain/keptHeaders";
import { headersKey } from "#src/journal/index";

/** A source whose headers up to a height are one byte: the height. 0 stands for damaged ones. */
class Source extends SimulatedChainSource {
  height = 0;

  keptHeaders(): Uint8Array {
    return Uint8Array.of(this.height);
  }

  recall([height = 0]: Uint8Array): BlockHeight {
    if (height === 0) throw new ChainSourceError("invalid-chain", "they are damaged", "none");
    this.height = height;
    return blockHeight(height);
  }
}

/** A start of a node with this store. */
async function started(store: MemoryStore) {
  const source = new Source(new SimulatedChain());
  const texts: string[] = [];
  const headers = new KeptHeaders({ store, source, logger: { log: ({ text }) => void texts.push(text) } });
  await headers.recall();
  return {
    texts,
    source,
    async synced(height: number) {
      source.height = height;
      await headers.keep(height);
      return (await store.read(headersKey))?.[0];
    },
  };
}

describe("the headers that a node keeps", () => {
  it("are stored anew every ten blocks, and given to the source of the next start", async () => {
    const store = new MemoryStore();
    const first = await started(store);
    assert.equal(await first.synced(50), 50);
    assert.equal(await first.synced(59), 50);
    assert.equal(await first.synced(60), 60);
    const second = await started(store);
    assert.equal(second.source.height, 60);
    assert.equal(await second.synced(69), 60);
    assert.equal(await second.synced(70), 70);
    assert.equal(await second.synced(55), 55, "a chain that is much shorter, as another store's");
    assert.deepEqual([...first.texts, ...second.texts], []);
  });

  it("are dropped when they are damaged, and done without when the store fails", async () => {
    const store = new MemoryStore();
    await store.commit([{ key: headersKey, value: Uint8Array.of(0) }]);
    const node = await started(store);
    assert.deepEqual(node.texts, ["headers are asked for again: they are damaged"]);
    assert.equal(await node.synced(3), 3);
    store.commit = () => Promise.reject(new Error("the disk is full"));
    assert.equal(await node.synced(30), 3);
    assert.deepEqual(node.texts.slice(1), ["the chain's headers were not stored: the disk is full"]);
  });
});
