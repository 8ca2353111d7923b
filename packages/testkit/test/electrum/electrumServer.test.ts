import assert from "node:assert/strict";
import { test } from "node:test";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { feeratePerKw } from "@fulmen/lightning/util";
import { ElectrumServer, scriptHashOf, statusOf } from "@fulmen/testkit/electrum";
import { createFundedChain } from "@fulmen/testkit/wallet";
import {
  ElectrumTestClient,
  hexOf,
  pay,
  type ServerLine,
  scriptOf,
  servedChain,
} from "./electrumTestClient.ts";

const methodNames = [
  "server.version",
  "server.features",
  "server.banner",
  "server.ping",
  "server.peers.subscribe",
  "server.add_peer",
  "server.donation_address",
  "blockchain.headers.subscribe",
  "blockchain.block.header",
  "blockchain.block.headers",
  ...["subscribe", "unsubscribe", "get_balance", "get_history", "get_mempool", "listunspent"].map(
    (name) => `blockchain.scripthash.${name}`,
  ),
  ...["broadcast", "get", "get_merkle", "id_from_pos"].map((name) => `blockchain.transaction.${name}`),
  "blockchain.estimatefee",
  "blockchain.relayfee",
  "mempool.get_fee_histogram",
];

const refusalOf = (code: number, message: string, id: unknown = null): readonly ServerLine[] => [
  { jsonrpc: "2.0", error: { code, message }, id },
];

test("what a server tells of itself", () => {
  const { client } = servedChain({
    name: "Test 1",
    donationAddress: "somebody",
    feerate: (blocks) => (blocks < 100 ? 12_345n : undefined),
    relayFeerate: 2_000n,
  });
  assert.deepEqual(client.ask("server.features"), {
    hosts: {},
    pruning: null,
    server_version: "Test 1",
    protocol_min: "1.4",
    protocol_max: "1.4.2",
    genesis_hash: "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
    hash_function: "sha256",
    services: [],
  });
  assert.equal(client.ask("server.banner"), "You are connected to a Test 1 server.");
  assert.equal(client.ask("server.donation_address"), "somebody");
  assert.equal(client.ask("server.ping"), null);
  assert.deepEqual(client.ask("server.peers.subscribe"), []);
  assert.equal(client.ask("server.add_peer", {}), false);
  assert.equal(client.ask("blockchain.estimatefee", 5), 0.00012345);
  assert.equal(client.ask("blockchain.estimatefee", 100), -1);
  assert.equal(client.refusal("blockchain.estimatefee", -5)?.code, 1);
  assert.equal(client.ask("blockchain.relayfee"), 0.00002);
});

test("what it tells when nobody has said otherwise", () => {
  const { client } = servedChain({ banner: "Hello" });
  assert.equal(client.ask("server.banner"), "Hello");
  assert.equal(client.ask("server.donation_address"), "");
  assert.equal(client.ask("blockchain.estimatefee", 5), -1);
  assert.equal(client.ask("blockchain.relayfee"), 0.00001);
});

test("the version is agreed upon first, and once", () => {
  const server = new ElectrumServer(createFundedChain().chain, { name: "Test 1" });
  const greet = (...params: readonly unknown[]) => {
    const client = new ElectrumTestClient(server, "is silent");
    const { result, error } = client.reply("server.version", params);
    return { version: result, error, isClosed: client.isClosed };
  };
  const speaks = (protocol: string) => ({ version: ["Test 1", protocol], error: undefined, isClosed: false });
  assert.deepEqual(greet(), speaks("1.4"));
  assert.deepEqual(greet("client"), speaks("1.4"));
  assert.deepEqual(greet("client", "1.4"), speaks("1.4"));
  assert.deepEqual(greet("client", "1.4.2"), speaks("1.4.2"));
  assert.deepEqual(greet("client", ["1.2", "1.4.1"]), speaks("1.4.1"));
  assert.deepEqual(greet("client", ["1.4", "1.6"]), speaks("1.4.2"));
  assert.deepEqual(greet("client", ["1.4", "1.6"], "more", 5), speaks("1.4.2"));
  for (const offered of ["1.2", "1.6", "x", "1.4.2.1", ["1.5", "1.6"], ["1.2", "1.3"], ["1.4"], 1.4, {}]) {
    const { error, isClosed } = greet("client", offered);
    assert.equal(error?.code, 1);
    assert.match(error?.message ?? "", /^unsupported protocol version: /);
    assert.ok(isClosed);
  }

  const client = new ElectrumTestClient(server);
  assert.deepEqual(client.refusal("server.version", "client", "1.4"), {
    code: 1,
    message: "server.version already sent",
  });
  assert.ok(!client.isClosed);
  const rude = new ElectrumTestClient(server, "is silent");
  assert.deepEqual(rude.refusal("server.ping"), {
    code: 1,
    message: "use server.version to identify client",
  });
  assert.ok(rude.isClosed);
  assert.deepEqual(rude.say('{"id": 1, "method": "server.ping"}'), [], "nobody listens any more");
});

test("what is not JSON-RPC is refused, and the conversation goes on", () => {
  const { client } = servedChain();
  assert.deepEqual(client.say("{"), refusalOf(-32_700, "invalid JSON"));
  assert.deepEqual(client.say(""), refusalOf(-32_700, "invalid JSON"));
  assert.deepEqual(client.say("5"), refusalOf(-32_600, "request object must be a dictionary"));
  assert.deepEqual(client.say('{"id": 7}'), refusalOf(-32_600, "method must be a string", 7));
  assert.deepEqual(client.say('{"id": 7, "method": 5}'), refusalOf(-32_600, "method must be a string", 7));
  assert.deepEqual(client.say('{"id": [], "method": "server.ping"}'), refusalOf(-32_600, "invalid id"));
  assert.deepEqual(client.say("[]"), refusalOf(-32_600, "batch is empty"));
  assert.deepEqual(
    client.say('{"id": 7, "method": "nonsense"}'),
    refusalOf(-32_601, 'unknown method "nonsense"', 7),
  );
  for (const name of ["__proto__", "constructor", "toString"])
    assert.equal(client.refusal(name)?.code, -32_601, name);
  assert.ok(!client.isClosed);
  assert.equal(client.ask("server.ping"), null);
});

test("notifications and answers are taken in silence", () => {
  const { client } = servedChain();
  assert.deepEqual(client.say('{"jsonrpc": "2.0", "method": "server.ping"}'), []);
  assert.deepEqual(client.say('{"jsonrpc": "2.0", "id": 3, "result": null}'), []);
  assert.deepEqual(client.say('{"jsonrpc": "2.0", "id": 3, "error": {}}'), []);
  assert.deepEqual(client.say('[{"jsonrpc": "2.0", "method": "server.ping"}]'), []);
  assert.deepEqual(client.say('{"method": "blockchain.headers.subscribe", "params": []}'), []);
});

test("arguments come in order or by name, neither too few nor too many", () => {
  const { client } = servedChain();
  const header = client.ask("blockchain.block.header", 5);
  const by = (params: unknown) => client.reply("blockchain.block.header", params);
  assert.equal(by({ height: 5 }).result, header);
  assert.equal(by({ height: 5, cp_height: 0 }).result, header);
  assert.equal(by({ height: "5" }).result, header);
  const wrong: readonly (readonly [unknown, string])[] = [
    [[], '0 arguments passed to method "blockchain.block.header" but it requires 1'],
    [[1, 2, 3], '3 arguments passed to method "blockchain.block.header" taking at most 2'],
    [{}, 'method "blockchain.block.header" requires parameter "height"'],
    [{ height: 5, depth: 1 }, 'method "blockchain.block.header" does not take parameter "depth"'],
    ["5", "arguments must be a list or a dictionary"],
    [null, "arguments must be a list or a dictionary"],
  ];
  for (const [params, message] of wrong) {
    assert.deepEqual(by(params).error, { code: -32_602, message });
  }
  assert.deepEqual(client.say('{"id": 1, "method": "server.ping"}'), [
    { jsonrpc: "2.0", result: null, id: 1 },
  ]);
});

test("whatever is asked for is answered, or refused with a reason", () => {
  const values = [
    null,
    true,
    -1,
    0,
    1,
    1.5,
    2 ** 53,
    1e308,
    "",
    "x",
    "5",
    "00",
    "ab".repeat(32),
    "é".repeat(32),
    [],
    [[]],
    {},
    { __proto__: 1 },
    "0".repeat(10_000),
  ];
  const codes = new Set<number>();
  const tx = hexOf(createFundedChain().chain.tip.block.transactions[0] as Transaction);
  for (const method of methodNames) {
    // Anew for each, as some calls end the conversation.
    const { client } = servedChain();
    for (const first of [...values, tx]) {
      for (const params of [first, [first], ...values.map((second) => [first, second]), [first, 1, true]]) {
        const { result, error } = client.reply(method, params);
        assert.ok((result === undefined) !== (error === undefined), `${method} ${JSON.stringify(params)}`);
        if (error !== undefined) codes.add(error.code);
      }
    }
    assert.ok(!client.isClosed);
  }
  assert.deepEqual([...codes].sort(), [-32_602, 1, 2]);
});

test("a batch is answered as one", () => {
  const { client } = servedChain({ limits: { maxBatchSize: 4 } });
  const answers = client.say(
    '[{"id": "a", "method": "server.ping"}, {"method": "server.ping"}, 5, {"id": 2, "method": "nonsense"}]',
  );
  assert.deepEqual(answers, [
    [
      { jsonrpc: "2.0", result: null, id: "a" },
      ...refusalOf(-32_600, "request object must be a dictionary"),
      ...refusalOf(-32_601, 'unknown method "nonsense"', 2),
    ],
  ]);
  const five = JSON.stringify(Array.from({ length: 5 }, (_, id) => ({ id, method: "server.ping" })));
  assert.deepEqual(client.say(five), refusalOf(-32_600, "batch of more than 4 requests"));
});

test("lines come in any pieces, as long as they are not too long", () => {
  const { client } = servedChain({ limits: { maxLineLength: 100 } });
  const line = '{"id": 1, "method": "server.ping", "params": []}\n';
  const answer = { jsonrpc: "2.0", result: null, id: 1 };
  for (const character of line) client.session.receive(character);
  assert.deepEqual(client.take(), [answer]);
  client.session.receive(line + line + line.slice(0, 10));
  assert.deepEqual(client.take(), [answer, answer]);
  client.session.receive(line.slice(10));
  assert.deepEqual(client.take(), [answer]);
  client.session.receive(`${" ".repeat(100 - line.length)}${line}`);
  assert.deepEqual(client.take(), [answer]);

  client.session.receive("x".repeat(60));
  assert.ok(!client.isClosed);
  client.session.receive("x".repeat(60));
  assert.ok(client.isClosed);
  const other = servedChain({ limits: { maxLineLength: 100 } }).client;
  assert.deepEqual(other.say(" ".repeat(101)), []);
  assert.ok(other.isClosed);
});

test("answers that are too long are not sent", () => {
  const { client } = servedChain({ limits: { maxAnswerLength: 1_000 } });
  const tooLong = { code: -32_600, message: "response too large (over 1,000 bytes)" };
  assert.deepEqual(client.refusal("blockchain.block.headers", 0, 100), tooLong);
  const [answers] = client.say(
    JSON.stringify([1, 2, 3].map((id) => ({ id, method: "blockchain.block.headers", params: [0, 2] }))),
  ) as unknown as readonly (readonly ServerLine[])[];
  assert.deepEqual(
    answers?.map(({ error }) => error),
    [undefined, undefined, tooLong],
  );
});

test("subscriptions are counted", () => {
  const { client } = servedChain({ limits: { maxSubscriptions: 2 } });
  const hashOf = (n: number) => String(n).repeat(64);
  const subscribe = (n: number) => client.reply("blockchain.scripthash.subscribe", [hashOf(n)]).error;
  assert.deepEqual([subscribe(1), subscribe(2), subscribe(2)], [undefined, undefined, undefined]);
  assert.deepEqual(subscribe(3), { code: -101, message: "more than 2 subscriptions" });
  client.ask("blockchain.scripthash.unsubscribe", hashOf(1));
  assert.equal(subscribe(3), undefined);
});

test("a broadcast is news to others, and to who sent it after the answer", () => {
  const { chain, faucet, server, client } = servedChain();
  const other = new ElectrumTestClient(server);
  const gone = new ElectrumTestClient(server);
  const script = scriptOf(1);
  const hash = scriptHashOf(script);
  for (const each of [client, other, gone]) each.ask("blockchain.scripthash.subscribe", hash);
  gone.session.disconnected();
  const tx = faucet.fund(chain, [pay(5_000n, script)], feeratePerKw(253));
  const line = { id: 5, method: "blockchain.transaction.broadcast", params: [hexOf(tx)] };
  const news = {
    jsonrpc: "2.0",
    method: "blockchain.scripthash.subscribe",
    params: [hash, statusOf([{ txid: txid(tx), height: 0 }])],
  };
  assert.deepEqual(client.say(JSON.stringify(line)), [{ jsonrpc: "2.0", result: txid(tx), id: 5 }, news]);
  assert.deepEqual(other.take(), [news]);
  assert.deepEqual(gone.take(), []);
});

test("a request is answered about the chain as it is, and news come before the answer", () => {
  const { chain, client } = servedChain();
  client.ask("blockchain.headers.subscribe");
  chain.mine();
  const lines = client.say('{"id": 5, "method": "blockchain.block.header", "params": [110]}');
  assert.deepEqual(
    lines.map(({ id, method }) => id ?? method),
    ["blockchain.headers.subscribe", 5],
  );
});
