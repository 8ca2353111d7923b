import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { p2wpkh } from "@fulmen/bitcoin/script";
import { type Transaction, totalSize, txid as txidOf } from "@fulmen/bitcoin/transaction";
import { type ChainClients, ChainSourceError } from "@fulmen/chain-sync";
import { EsploraSource } from "@fulmen/chain-sync/esplora";
import { blockHeight, feeratePerKw, present, sat, shortChannelId } from "@fulmen/lightning/util";
import { EsploraClient } from "#src/esplora/esploraClient";
import { HttpClient } from "#src/esplora/httpClient";
import { HistoryTooLong } from "#src/transactions/index";
import { RecordingFollower } from "../transactions/recordingFollower.ts";
import { ApiFetch, apiUrl } from "./apiFetch.ts";

const script = p2wpkh(new Uint8Array(20).fill(9));

class World {
  readonly api: ApiFetch;
  readonly source: EsploraSource;
  readonly follower: RecordingFollower;
  readonly clients: ChainClients;

  constructor(
    api: ApiFetch = new ApiFetch(),
    scripts: readonly Uint8Array[] = [script],
    position = api.chain.locator(),
  ) {
    this.api = api;
    this.source = new EsploraSource({
      url: apiUrl,
      network: "regtest",
      fetch: this.api.fetch,
      retryDelay: 1,
      pollInterval: 2,
      mempoolInterval: 60_000,
    });
    this.follower = new RecordingFollower(position);
    this.clients = {
      followers: [this.follower],
      mempool: [],
      scripts: [{ scripts: () => scripts, takeScripts: () => [] }],
    };
  }

  pay(): Transaction {
    const { chain, faucet } = this.api;
    const transaction = faucet.fund(chain, [{ value: sat(20_000), script }], feeratePerKw(1_000));
    assert.ok(chain.submit(transaction).ok);
    return transaction;
  }

  async sync(): Promise<readonly string[]> {
    await this.source.sync(this.clients);
    return this.follower.take();
  }

  /** The code of the error with which a sync ends, when nothing was told. */
  async refusal(): Promise<string> {
    const error: unknown = await this.source.sync(this.clients).catch((reason: unknown) => reason);
    assert.ok(error instanceof ChainSourceError, String(error));
    assert.deepEqual(this.follower.lines, []);
    return error.code;
  }
}

describe("a history of several pages", () => {
  for (const pageSize of [10, 25]) {
    it(`is read to its end, ${pageSize} transactions a page, and later only to what is settled`, async () => {
      const world = new World(new ApiFetch({ pageSize }));
      const expected: string[] = [];
      for (let block = 0; block < 12; block++) {
        for (let n = 0; n < 5; n++) world.pay();
        const [mined] = world.api.chain.mine(1);
        for (const txid of present(mined, "a block").txids.slice(1)) {
          expected.push(`confirmed ${world.api.chain.tip.height}: ${txid}`);
        }
      }
      const lines = await world.sync();
      assert.deepEqual(
        lines.filter((line) => line.startsWith("confirmed")),
        expected,
      );
      const pages = () => world.api.take().filter((request) => request.includes("/scripthash/")).length;
      // One more where the last one may have been cut short by a smaller page.
      assert.equal(pages(), pageSize === 10 ? 7 : 4);
      const next = world.pay();
      world.api.chain.mine(1);
      assert.ok((await world.sync()).some((line) => line.endsWith(txidOf(next))));
      assert.equal(pages(), 1, "nothing is final yet, but the newest of before is on the first page");
      // What is undone is read again: all of it is in later blocks now.
      world.api.chain.reorg(4);
      world.api.chain.mine(1);
      const again = await world.sync();
      assert.equal(again.filter((line) => line.startsWith("confirmed")).length, 16);
      assert.equal(pages(), pageSize === 10 ? 7 : 4);
      world.api.chain.mine(101);
      await world.sync();
      world.api.take();
      const late = world.pay();
      world.api.chain.mine(1);
      assert.deepEqual(
        await world.sync(),
        [`confirmed 222: ${txidOf(late)}`, "best 222"].map((line) =>
          line.replace("222", String(world.api.chain.tip.height)),
        ),
      );
      assert.equal(pages(), 1);
    });
  }
});

describe("a history without an end", () => {
  /** A page of as many made up transactions, each with so many bytes and none like another. */
  function page(count: number, bytes: number, seed: number): string {
    const status = { confirmed: true, block_height: 105 };
    const vout = [{ value: 1, scriptpubkey: "00".repeat(bytes) }];
    const txs = Array.from({ length: count }, (_, i) => {
      const txid = (seed * 1_000_000 + i).toString(16).padStart(64, "0");
      return { txid, version: 2, locktime: 0, vin: [], vout, status };
    });
    return JSON.stringify(txs);
  }

  function clientOf({ fetch }: ApiFetch): EsploraClient {
    const http = new HttpClient({
      ...{ base: apiUrl, name: "esplora", fetch, headers: {}, timeout: 9_000, concurrency: 6 },
      ...{ maxAnswer: 32_000_000, retryDelay: 1 },
    });
    return new EsploraClient(http, "esplora", 6);
  }

  async function readHistory(count: number, bytes: number) {
    const api = new ApiFetch();
    let pages = 0;
    api.edit = (text, path) => (path.includes("/txs") ? page(count, bytes, pages++) : text);
    const items = await clientOf(api).scriptHistory(script, () => pages > 10);
    return items.reduce((sum, { transaction }) => sum + (transaction ? totalSize(transaction) : 0), 0);
  }

  it("is not held in memory, but for a part", async () => {
    const kept = await readHistory(10, 90_000);
    assert.ok(kept > 1_000_000 && kept <= 8_000_000, `${kept} bytes are held`);
  });

  it("ends after 400 pages, and what was read is told", async () => {
    const api = new ApiFetch();
    let pages = 0;
    api.edit = (text, path) => (path.includes("/txs") ? page(25, 0, pages++) : text);
    const error = await clientOf(api)
      .scriptHistory(script, () => false)
      .catch((reason: unknown) => reason);
    assert.ok(error instanceof HistoryTooLong);
    assert.deepEqual([pages, error.known.length], [400, 10_000]);
  });

  it("is told of as far as it goes when its transactions are too large", async () => {
    const api = new ApiFetch();
    let pages = 0;
    api.edit = (text, path) =>
      path.includes("/txs") ? page(10, pages++ < 2 ? 1_000 : 2_000_000, pages) : text;
    const error = await clientOf(api)
      .scriptHistory(script, () => false)
      .catch((reason: unknown) => reason);
    assert.ok(error instanceof HistoryTooLong);
    assert.equal(error.known.length, 20);
  });

  it("is no history when it has too many transactions", async () => {
    await assert.rejects(readHistory(10_000, 0), { code: "unsupported" });
  });
});

describe("an Esplora server that lies", () => {
  it("cannot pass off another transaction, in a history or by its id", async () => {
    const world = new World();
    const wanted = txidOf(world.pay());
    world.api.chain.mine(1);
    world.api.edit = (text, path) =>
      path.includes("/txs") ? text.replace('"value":20000', '"value":90000') : text;
    assert.equal(await world.refusal(), "invalid-answer");
    const other = new World(new ApiFetch(), []);
    const funding = other.pay();
    assert.equal(txidOf(funding), wanted);
    other.source.filter.registerOutput({ outPoint: { txid: wanted, index: 0 }, script });
    other.api.chain.mine(1);
    other.api.edit = (text, path) =>
      path === `/tx/${wanted}` ? text.replace('"value":20000', '"value":90000') : text;
    assert.equal(await other.refusal(), "invalid-answer");
  });

  it("cannot place a transaction in another block, or elsewhere in its own", async () => {
    const world = new World();
    world.pay();
    world.api.chain.mine(3);
    const { height } = world.api.chain.tip;
    world.api.edit = (text, path) =>
      path.includes("/txs") || path.endsWith("merkle-proof")
        ? text.replaceAll(`"block_height":${height - 2}`, `"block_height":${height - 1}`)
        : text;
    assert.equal(await world.refusal(), "invalid-chain");
    world.api.edit = (text, path) =>
      path.endsWith("merkle-proof") ? text.replace('"pos":1', '"pos":0') : text;
    assert.equal(await world.refusal(), "invalid-chain");
  });

  it("cannot shift the heights of the chain", async () => {
    const world = new World();
    world.api.chain.mine(3);
    await world.sync();
    world.api.chain.mine(1);
    world.api.edit = (text, path) =>
      /^\/blocks?\//.test(path)
        ? text.replace(/"height":(\d+)/g, (_, n) => `"height":${Number(n) + 1}`)
        : text;
    assert.match(await world.refusal(), /^invalid-/);
  });

  it("cannot take blocks back by a tip that is below what is known", async () => {
    const world = new World();
    world.api.chain.mine(3);
    await world.sync();
    const below = present(world.api.chain.blockAt(world.api.chain.tip.height - 2), "a block");
    world.api.edit = (text, path) => (path === "/blocks/tip/hash" ? below.hash : text);
    assert.equal(await world.refusal(), "not-synced");
  });

  it("can leave a transaction out; we hear of it late, in the block where it is", async () => {
    const world = new World();
    const hidden = txidOf(world.pay());
    world.api.chain.mine(3);
    const { height } = world.api.chain.tip;
    world.api.edit = (text, path) => (path.includes("/scripthash/") ? "[]" : text);
    assert.deepEqual(await world.sync(), [`best ${height}`]);
    world.api.edit = (text) => text;
    assert.deepEqual(await world.sync(), [`confirmed ${height - 2}: ${hidden}`]);
    assert.equal(world.follower.position()?.height, height);
  });
});

describe("nonsense of an Esplora server", () => {
  const nonsense = [
    "",
    "null",
    "{}",
    "[]",
    "[null]",
    "7",
    '"x"',
    "[{}]",
    '{"confirmed":true}',
    "ff",
    "\u0000",
    "[[[[",
  ];

  it("is a ChainSourceError or nothing, whatever it answers where", async () => {
    const outcomes = new Set<string>();
    const api = new ApiFetch();
    const funding = new World(api).pay();
    api.chain.mine(1);
    const before = { ...present(api.chain.blockAt(100), "a block"), ancestors: [] };
    for (const [index, text] of [
      ...nonsense,
      '{"spent":true,"txid":1}',
      `"${"9".repeat(5_000)}"`,
    ].entries()) {
      for (const pattern of [
        /tip\/hash/,
        /^\/blocks\/\d/,
        /^\/block\//,
        /txs/,
        /\/tx\/[0-9a-f]+$/,
        /proof/,
        /spend/,
        /fee/,
        /height/,
        /txid/,
      ]) {
        const world = new World(api, [script], before);
        world.source.filter.registerOutput({ outPoint: { txid: txidOf(funding), index: 1 }, script });
        world.api.edit = (answer, path) => (pattern.test(path) ? text : answer);
        const calls = [
          () => world.source.start(),
          () => world.source.sync(world.clients),
          () => world.source.feerates(),
          () => world.source.locate(blockHeight(50)),
          () => world.source.utxo(shortChannelId({ height: 20, txIndex: 0, outputIndex: 0 })),
          () => world.source.broadcast([funding, funding]),
        ];
        for (const call of index % 2 === 0 ? calls : calls.slice(0, 2)) {
          try {
            await call();
            outcomes.add("fulfilled");
          } catch (error) {
            assert.ok(error instanceof ChainSourceError, `${text} for ${pattern}: ${String(error)}`);
            outcomes.add(error.code);
          }
        }
      }
    }
    assert.ok(outcomes.has("invalid-answer") && outcomes.has("fulfilled"));
  });
});

describe("what an Esplora source waits for", () => {
  it("is another tip, something registered, or time for the mempool", async () => {
    const world = new World();
    await world.sync();
    const { signal } = new AbortController();
    let isChanged = false;
    const first = world.source.changed(signal).then(() => {
      isChanged = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(isChanged, false);
    world.api.chain.mine(1);
    await first;
    await world.sync();
    world.source.filter.registerOutput({
      outPoint: { txid: (world.pay() && world.api.chain.mempool[0]) ?? assert.fail(), index: 0 },
      script,
    });
    await world.source.changed(signal);
    const impatient = new EsploraSource({
      url: apiUrl,
      network: "regtest",
      fetch: world.api.fetch,
      pollInterval: 2,
      mempoolInterval: 10,
    });
    await impatient.sync(world.clients);
    await impatient.changed(signal);
  });
});
