import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type NetworkName, networks } from "@fulmen/bitcoin/network";
import { ChainSourceError, type ChainSourceErrorCode } from "@fulmen/chain-sync";
import { type BitcoindOptions, BitcoindSource, cookieFile } from "@fulmen/chain-sync/bitcoind";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type BlockHeight, blockHeight, shortChannelId } from "@fulmen/lightning/util";
import { type HttpHandler, HttpService } from "@fulmen/testkit/sockets";
import fc from "fast-check";
import { ServedBitcoind } from "./servedChain.ts";

installNodeCrypto();

const password = { kind: "password", user: "fulmen", password: "secret" } as const;

/** What comes of a call: an error that says what happened, and one that says what to do. */
async function refused(
  call: Promise<unknown>,
  code: ChainSourceErrorCode,
  message: RegExp,
  remedy = /./,
): Promise<void> {
  const error = await call.then(
    (value) => assert.fail(`it succeeds: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ChainSourceError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  assert.match(error.remedy, remedy);
}

/** A source whose other side is `handler`. */
async function withHandler(
  handler: HttpHandler,
  body: (source: BitcoindSource, url: string) => Promise<void>,
  options: Partial<BitcoindOptions> = {},
): Promise<void> {
  const service = await HttpService.listen(handler);
  const url = `http://127.0.0.1:${service.port}`;
  const source = new BitcoindSource({ network: "regtest", authentication: password, url, ...options });
  try {
    await body(source, url);
  } finally {
    await source.stop();
    await service.close();
  }
}

/** Answers each method as given. */
function answering(results: Readonly<Record<string, unknown>>): HttpHandler {
  const answer = ({ id, method }: { readonly id: number; readonly method: string }) =>
    Object.hasOwn(results, method)
      ? { id, result: results[method] }
      : { id, error: { code: -32_601, message: "Method not found" } };
  return ({ body }) => {
    const json = JSON.parse(Buffer.from(body).toString());
    return { status: 200, body: JSON.stringify(Array.isArray(json) ? json.map(answer) : answer(json)) };
  };
}

async function served(
  body: (bitcoind: ServedBitcoind) => Promise<void>,
  options: Parameters<typeof ServedBitcoind.start>[0] = {},
): Promise<void> {
  const bitcoind = await ServedBitcoind.start(options);
  try {
    await body(bitcoind);
  } finally {
    await bitcoind.close();
  }
}

describe("who may ask", () => {
  it("a wrong password", () =>
    served(async (bitcoind) => {
      const source = bitcoind.createSource("regtest", {
        authentication: { kind: "password", user: "fulmen", password: "wrong" },
      });
      await refused(source.start(), "unauthorised", /does not take this user and password/, /rpcpassword/);
      await source.stop();
    }));

  it("a cookie, read again when bitcoind started anew", () =>
    served(async (bitcoind) => {
      let [cookie, reads] = ["fulmen:secret\n", 0];
      const readCookie = async () => {
        reads++;
        return cookie;
      };
      const source = bitcoind.createSource("regtest", { authentication: { kind: "cookie", readCookie } });
      await source.start();
      await source.feerates();
      assert.equal(reads, 1);
      bitcoind.server.credentials = "__cookie__:other";
      cookie = "__cookie__:other";
      await source.feerates();
      assert.equal(reads, 2);
      bitcoind.server.credentials = "__cookie__:another one's";
      await refused(source.feerates(), "unauthorised", /does not take its cookie/, /another one/);
      await source.stop();
    }));

  it("a cookie that is not there", () =>
    served(async (bitcoind) => {
      const authentication = cookieFile("/nowhere/.cookie");
      const source = bitcoind.createSource("regtest", { authentication });
      await refused(source.start(), "unreachable", /\/nowhere\/\.cookie/, /data directory/);
      await source.stop();
    }));
});

describe("another server, or another network", () => {
  const pages: readonly (readonly [string, number, string])[] = [
    ["a web page", 200, "<!DOCTYPE html><html><body>nginx</body></html>"],
    ["a web page that says that there is none", 404, "<html><h1>404 Not Found</h1></html>"],
    ["nothing", 200, ""],
    ["no JSON", 200, "bitcoin"],
    ["JSON of something else", 200, '{"hello": "world"}'],
    ["a list", 200, "[]"],
    ["null", 200, "null"],
  ];
  for (const [name, status, body] of pages) {
    it(`answers with ${name}`, () =>
      withHandler(
        () => ({ status, body }),
        async (source) => {
          const said = body.startsWith("<") ? /a web page \(</ : /./;
          await refused(source.start(), "invalid-answer", said, /port/);
          await refused(source.feerates(), "invalid-answer", said);
        },
      ));
  }

  it("is on another network", () =>
    served(async (bitcoind) => {
      const source = bitcoind.createSource("signet");
      await refused(source.start(), "wrong-network", /on regtest, this node is on signet/, /38332/);
      await source.stop();
    }));

  it("is on a network that nobody knows", () =>
    withHandler(answering({ getblockhash: "ab".repeat(32) }), (source) =>
      refused(source.start(), "wrong-network", /another network \(its first block is abab/),
    ));

  it("does not answer at all", async () => {
    const service = await HttpService.listen(() => undefined);
    const { port } = service;
    await service.close();
    const url = `http://127.0.0.1:${port}`;
    const source = new BitcoindSource({ network: "regtest", authentication: password, url });
    await refused(source.start(), "unreachable", /ECONNREFUSED/, new RegExp(`127.0.0.1:${port}`));
    await source.stop();
  });

  it("breaks the connection off", () =>
    withHandler(
      () => undefined,
      (source) => refused(source.start(), "unreachable", /does not answer/),
    ));

  it("takes too long", () =>
    withHandler(
      () => new Promise(() => {}),
      (source) => refused(source.start(), "unreachable", /no answer within/),
      { timeoutSeconds: 0.05 },
    ));

  it("answers without end", () =>
    withHandler(
      () => ({ status: 200, body: Buffer.alloc(9_000_000, "1") }),
      (source) => refused(source.start(), "invalid-answer", /more than 1000000 bytes/),
    ));

  it("has no mercy", async () => {
    const busy = { status: 503, body: "Work queue depth exceeded" };
    await withHandler(
      () => busy,
      (source) => refused(source.start(), "unreachable", /too much to do/, /rpcworkqueue/),
    );
    await withHandler(
      () => ({ status: 403, body: "" }),
      (source) => refused(source.start(), "unauthorised", /does not talk to this computer/, /rpcallowip/),
    );
  });
});

describe("a Bitcoin Core that cannot serve", () => {
  it("is starting", () =>
    served(async (bitcoind) => {
      const source = bitcoind.createSource();
      bitcoind.server.warmup = "Loading block index…";
      await refused(source.start(), "not-synced", /is starting: Loading block index/);
      await refused(source.locate(blockHeight(1)), "not-synced", /is starting/);
      bitcoind.server.warmup = undefined;
      await source.start();
      await source.stop();
    }));

  it("is downloading the chain", async () => {
    const results = {
      getblockhash: networks.mainnet.genesisHash,
      getblockchaininfo: { initialblockdownload: true, blocks: 123_456, headers: 900_000 },
    };
    const options = { network: "mainnet" as NetworkName };
    await withHandler(
      answering(results),
      (source) => refused(source.start(), "not-synced", /123456 of 900000 blocks/, /initialblockdownload/),
      options,
    );
  });

  it("has not seen enough to estimate feerates", () =>
    withHandler(
      answering({ getmempoolinfo: { mempoolminfee: 0.00001 }, estimatesmartfee: { errors: ["none"] } }),
      (source) => refused(source.feerates(), "not-synced", /not seen enough/),
      { network: "mainnet" },
    ));

  it("does not know a method", () =>
    withHandler(answering({}), (source) =>
      refused(source.start(), "unsupported", /does not know the method getblockhash/, /rpcwhitelist/),
    ));

  it("does not serve REST", () =>
    served(async (bitcoind) => {
      const source = bitcoind.createSource("regtest", { rest: true });
      const follower = { position: () => undefined, listeners: [] };
      const clients = { followers: [follower], mempool: [], scripts: [] };
      await refused(source.sync(clients), "unsupported", /by REST/, /rest=1/);
      await source.stop();
    }));
});

describe("answers of any kind", () => {
  it("are errors that say what to do, or are passed over", async () => {
    const json = fc.jsonValue({ maxDepth: 2 });
    const results = fc.record({
      getblockhash: fc.oneof(json, fc.constant(networks.regtest.genesisHash)),
      getbestblockhash: fc.oneof(json, fc.constant(networks.regtest.genesisHash)),
      getblockheader: fc.oneof(json, fc.constant({ height: 3 }), fc.constant("00".repeat(80))),
      getblock: fc.oneof(json, fc.constant("00".repeat(100)), fc.constant({ tx: ["00"] })),
      getblockchaininfo: json,
      getrawmempool: fc.oneof(json, fc.constant(["ab".repeat(32)])),
      getrawtransaction: fc.oneof(json, fc.constant("0000")),
      getmempoolinfo: fc.oneof(json, fc.record({ mempoolminfee: json })),
      estimatesmartfee: fc.oneof(json, fc.record({ feerate: json })),
      sendrawtransaction: json,
      submitpackage: fc.oneof(json, fc.record({ package_msg: json, "tx-results": json })),
      gettxout: fc.oneof(json, fc.record({ confirmations: fc.constant(9), value: json })),
    });
    let current: HttpHandler = () => undefined;
    await withHandler(
      (request, signal) => current(request, signal),
      (source) =>
        fc.assert(
          fc.asyncProperty(results, async (given) => {
            current = answering(given);
            for (const call of callsOf(source)) {
              await call().catch((error: unknown) => {
                assert.ok(error instanceof ChainSourceError, String(error));
                assert.ok(error.message.length < 2_000 && error.remedy !== "");
              });
            }
          }),
          { numRuns: 60, seed: 6 },
        ),
    );
  });
});

function callsOf(source: BitcoindSource): readonly (() => Promise<unknown>)[] {
  const position = { hash: networks.regtest.genesisHash, height: 0 as BlockHeight, ancestors: [] };
  const transaction = { version: 2, inputs: [], outputs: [], locktime: 0 };
  const follower = { position: () => position, listeners: [] };
  const mempool = [{ transactionSeen: () => {} }];
  return [
    () => source.start(),
    () => source.locate(blockHeight(20)),
    () => source.sync({ followers: [follower], mempool, scripts: [] }),
    () => source.sync({ followers: [], mempool, scripts: [] }),
    () => source.feerates(),
    () => source.broadcast([transaction]),
    () => source.broadcast([transaction, transaction]),
    () => source.utxo(shortChannelId({ height: 1, txIndex: 0, outputIndex: 0 })),
  ];
}
