import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { listOperations } from "@fulmen/api";
import { parseInvoice } from "@fulmen/lightning/invoice";
import { NodeError } from "@fulmen/node";
import { PaymentKeys } from "@fulmen/server";
import { daemonDouble } from "./daemonDouble.ts";
import { someChannelId, someNodeId, somePayment } from "./nodeDouble.ts";

const hash = "ab".repeat(32);
/** BOLT 11, "Examples". */
const someInvoice =
  "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql";
const inputs: Readonly<Record<string, object>> = {
  connectPeer: { address: "02@h:1" },
  openChannel: { peer: "02@h:1", amountSat: "100000" },
  closeChannel: {},
  forceCloseChannel: {},
  updateChannel: { feeBaseMsat: "7" },
  decode: { text: "bc1q" },
  explainRoute: { to: "lnbc" },
  pay: { to: "lnbc" },
  abandonPayment: {},
  sendRaw: { peer: someNodeId, amountMsat: "5", paymentHash: hash },
  receive: { amountMsat: "5" },
  claimPayment: { preimage: hash },
  failPayment: {},
  sendOnchain: { address: "bc1q", amountSat: "all" },
  bumpTransaction: { feeratePerKw: 500 },
  signMessage: { text: "a" },
  verifyMessage: { text: "a", signature: "y" },
};
const filled = (path: string): string =>
  path.replace("{nodeId}", someNodeId).replace(/\{(channelId|paymentHash|txid|id)\}/g, hash);

describe("operations", () => {
  it("answer what their schemas say, all of them", async () => {
    const { ask, node } = daemonDouble({
      backup: async () => ({ fileName: "a.backup", content: new Uint8Array([1, 2]) }),
      lastBackupAt: () => 5,
    });
    node.keep(somePayment(hash, 4));
    for (const { name, method, path, operation } of listOperations()) {
      if (name === "events" || name === "connectPeer") continue;
      const body = method === "POST" ? (inputs[name] ?? {}) : undefined;
      const { status, json, text } = await ask(method, filled(path), { body });
      assert.equal(status, 200, `${name}: ${text}`);
      if (operation.answer.kind === "json") operation.answer.schema.parse(json);
    }
  });

  it("have amounts as strings, to the last digit", async () => {
    const { ask } = daemonDouble();
    const { json } = await ask("GET", "/v1/channels");
    assert.equal(json.channels[0].localMsat, "9007199254740993");
    assert.equal(json.channels[0].shortChannelId, "700000x5x1");
    const balances = await ask("GET", "/v1/balances");
    assert.equal(balances.json.lightning.totalMsat, "18446744073709551615");
  });

  it("page through payments until there is no next", async () => {
    const { ask, node } = daemonDouble();
    for (let sequence = 1; sequence <= 5; sequence++) node.keep(somePayment(String(sequence), sequence));
    const seen: string[] = [];
    let after = "";
    do {
      const { json } = await ask("GET", `/v1/payments?limit=2${after}`);
      seen.push(...json.payments.map(({ id }: { id: string }) => id));
      after = json.next === undefined ? "" : `&after=${json.next}`;
    } while (after !== "");
    assert.deepEqual(seen, ["5", "4", "3", "2", "1"]);
  });

  it("hand on to the node what they were asked", async () => {
    const { ask, node } = daemonDouble();
    await ask("POST", "/v1/channels", { body: { peer: "02@h:1", amountSat: "20000", pushMsat: "3000" } });
    await ask("POST", `/v1/channels/${someChannelId}/close`, { body: { feeratePerKw: 300 } });
    await ask("POST", "/v1/payments", { body: { to: "x", amountMsat: "5", maxFeeMsat: "1" } });
    assert.deepEqual(node.asked, [
      ["openChannel", { peer: "02@h:1", amount: 20_000n, push: 3000n }],
      ["closeChannel", someChannelId, { feerate: 300n }],
      ["pay", "x", { amount: 5n, maxFee: 1n, timeoutSeconds: 60 }],
    ]);
  });

  it("tell of a node that is not ready", async () => {
    const { ask, node } = daemonDouble();
    node.status_ = { phase: "starting", chain: { ...node.status().chain, isSynced: false, tip: 120 } };
    const { status, json } = await ask("GET", "/ready", { token: "" });
    assert.equal(status, 503);
    assert.deepEqual(json.reasons, ["The node is starting.", "The node is at block 100 of 120."]);
    assert.equal((await ask("GET", "/health", { token: "" })).status, 200);
    const chain = { ...node.status().chain, isSynced: true, problem: "ECONNREFUSED 10.0.0.1:8332" };
    node.status_ = { phase: "frozen", failure: "/home/me/fulmen is full", chain };
    const frozen = await ask("GET", "/ready", { token: "" });
    assert.deepEqual(frozen.json.reasons, ["The node is frozen.", "The chain source does not answer."]);
  });

  it("show what a payee wrote without what is not to be seen, and our own words as they are", async () => {
    const { ask, node } = daemonDouble();
    const description = "a\n\u202eb";
    node.keep(somePayment("sent", 2, { description }));
    node.keep(somePayment("received", 1, { description, direction: "received" }));
    const { json } = await ask("GET", "/v1/payments");
    const shown = json.payments.map((payment: { description: string }) => payment.description);
    assert.deepEqual(shown, ["a\ufffd\ufffdb", description]);
  });

  it("have metrics that Prometheus reads", async () => {
    const { ask } = daemonDouble();
    await ask("GET", "/v1/info");
    await ask("GET", "/v1/info", { token: "wrong" });
    const { text } = await ask("GET", "/metrics");
    assert.match(text, /^fulmen_up 1$/m);
    assert.match(text, /^fulmen_http_request_seconds_count\{operation="info",status="200"\} 1$/m);
    assert.match(text, /^fulmen_http_refused_total\{code="token-unknown"\} 1$/m);
    assert.match(text, /^process_cpu_seconds_total /m);
    // Those that a timer measures would wake an idle daemon all the time.
    assert.match(text, /^nodejs_eventloop_lag_seconds /m);
    assert.doesNotMatch(text, /nodejs_eventloop_lag_p99/);
  });
});

describe("the network", () => {
  it("is given in parts of the size that is asked for", async () => {
    const { ask, node } = daemonDouble();
    const { json } = await ask("GET", "/v1/graph?limit=50");
    assert.deepEqual(node.asked.at(-1), ["graph", 50]);
    assert.equal(json.nodes[1].alias, "hub");
    assert.equal(json.channels[0].shortChannelId, "1x2x3");
    assert.equal(json.channels[0].capacitySat, "7");
    assert.equal((await ask("GET", "/v1/graph?limit=1001")).status, 400);
  });
});

describe("refusals", () => {
  it("have the node's code, message, remedy and numbers", async () => {
    const { ask } = daemonDouble();
    const { status, json } = await ask("POST", "/v1/decode", { body: { text: "rubbish" } });
    assert.equal(status, 422);
    assert.deepEqual(json.error, {
      code: "invalid-destination",
      message: "rubbish is nothing that can be paid.",
      remedy: "Ask for an invoice.",
      details: { text: "rubbish", amountSat: "5" },
    });
  });

  it("say nothing of what went wrong inside, but to the log", async () => {
    const { ask, lines } = daemonDouble();
    const { status, text } = await ask("POST", "/v1/peers", { body: { address: "02@h:1" } });
    assert.equal(status, 500);
    assert.ok(!text.includes("secret internals"));
    assert.ok(lines.some((line) => line.includes("secret internals of 02@h:1")));
  });

  it("name the field that does not fit", async () => {
    const { ask, node } = daemonDouble();
    const cases: readonly (readonly [string, string, unknown, string])[] = [
      ["POST", "/v1/payments", { to: "x", amountMsat: 5 }, "amountMsat"],
      [
        "POST",
        "/v1/payments",
        { to: "x", amountMsat: "18446744073709551616" },
        "amountMsat: is at most 2^64 - 1.",
      ],
      ["POST", "/v1/payments", { to: "x", amountmsat: "5" }, "amountmsat"],
      ["POST", "/v1/payments", {}, "to"],
      ["GET", "/v1/payments?limit=0", undefined, "limit: is from 1 to 1000."],
      ["GET", "/v1/payments?limit=1&nonsense=2", undefined, "nonsense"],
      ["GET", "/v1/payments/%2e%2e%2f%2e%2e%2fetc%2fpasswd", undefined, "id"],
      ["POST", "/v1/channels/nothex/close", {}, "channelId"],
      ["GET", "/v1/events?after=-1", undefined, "after"],
    ];
    for (const [method, path, body, part] of cases) {
      const { status, json } = await ask(method, path, { body });
      assert.deepEqual([status, json.error.code], [400, "bad-request"], path);
      assert.ok(json.error.message.includes(part), `${path}: ${json.error.message}`);
    }
    assert.deepEqual(node.asked, []);
  });

  it("tell bodies that are no JSON objects from those of another type", async () => {
    const { ask } = daemonDouble();
    for (const body of ["{", "[]", "null", "7", '"x"']) {
      const { status, json } = await ask("POST", "/v1/decode", { body });
      assert.deepEqual([status, json.error.code], [400, "invalid-json"], body);
    }
    const form = await ask("POST", "/v1/decode", { body: "a=b", headers: { "content-type": "text/plain" } });
    assert.equal(form.status, 415);
    const deep = await ask("POST", "/v1/decode", { body: "[".repeat(60_000) });
    assert.equal(deep.status, 400);
    const proto = await ask("POST", "/v1/decode", { body: '{"__proto__":{"text":"x"},"constructor":1}' });
    assert.equal(proto.status, 400);
    const large = await ask("POST", "/v1/decode", { body: JSON.stringify({ text: "x".repeat(70_000) }) });
    assert.equal(large.status, 413);
  });

  it("answer paths and methods that there are not", async () => {
    const { ask } = daemonDouble({
      assets: new Map([["/index.html", { contentType: "text/html", body: new Uint8Array([65]) }]]),
    });
    for (const path of [
      "/v1/nothing",
      "/../../etc/passwd",
      "/v1/info/../../x",
      "/%2e%2e/%2e%2e/etc/passwd",
      "/index.html/..",
    ]) {
      const { status } = await ask("GET", path);
      assert.ok(status === 404 || path === "/index.html/..", path);
    }
    assert.equal((await ask("PUT", "/v1/info")).json.error.code, "method-not-allowed");
    const page = await ask("GET", "/", { token: "" });
    assert.equal(page.text, "A");
    assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  });
});

describe("a token that may pay", () => {
  it("pays over Lightning, and spends no coins of the wallet", async () => {
    const { ask, node } = daemonDouble();
    const invoice = parseInvoice(someInvoice);
    assert.ok(invoice.ok);
    const method = { kind: "bolt11", text: someInvoice, invoice: invoice.value } as const;
    node.onParse = (text) => (text === "inv" ? { methods: [method] } : undefined);
    assert.equal((await ask("POST", "/v1/payments", { token: "pay", body: { to: "inv" } })).status, 200);
    // The node takes the way that there is, whatever is preferred.
    for (const prefer of [undefined, "lightning", "onchain"]) {
      const onchain = await ask("POST", "/v1/payments", { token: "pay", body: { to: "bc1q", prefer } });
      assert.deepEqual([onchain.status, onchain.json.error.code], [403, "scope-missing"], prefer);
    }
    assert.equal((await ask("POST", "/v1/payments", { body: { to: "bc1q" } })).status, 200);
    assert.equal(node.asked.length, 2);
  });
});

describe("payments with a key", () => {
  const pay = (key: string, body: object = { to: "inv" }) => ({ body, headers: { "idempotency-key": key } });

  it("are made once, however often they are asked for", async () => {
    const { ask, node } = daemonDouble();
    const [first, again] = await Promise.all([
      ask("POST", "/v1/payments", pay("k")),
      ask("POST", "/v1/payments", pay("k")),
    ]);
    const later = await ask("POST", "/v1/payments", pay("k"));
    assert.deepEqual([first.status, again.status, later.status], [200, 200, 200]);
    assert.deepEqual(later.json, first.json);
    assert.equal(node.asked.length, 1);
    const other = await ask("POST", "/v1/payments", pay("k", { to: "other" }));
    assert.deepEqual([other.status, other.json.error.code], [409, "idempotency-conflict"]);
  });

  it("may be asked for again when nothing was sent, and not when it failed on its way", async () => {
    const { ask, node } = daemonDouble();
    node.onPay = async () => {
      throw new NodeError("insufficient-funds", "too little", { remedy: "wait" });
    };
    assert.equal((await ask("POST", "/v1/payments", pay("k"))).status, 422);
    node.onPay = async () => {
      node.keep(somePayment("p", 1, { status: "failed", failure: { code: "no-route", text: "none" } }));
      throw new NodeError("payment-failed", "it failed", { remedy: "r", details: { paymentId: "p" } });
    };
    assert.equal((await ask("POST", "/v1/payments", pay("k"))).json.error.code, "payment-failed");
    assert.equal((await ask("POST", "/v1/payments", pay("k"))).json.error.code, "payment-failed");
    assert.equal(node.asked.length, 2);
  });

  it("on chain are not made again when nobody knows whether they were", async () => {
    const keys = new PaymentKeys();
    const { ask, node } = daemonDouble({ paymentKeys: keys });
    node.onPay = async () => {
      throw new Error("the process dies here");
    };
    await ask("POST", "/v1/payments", pay("k", { to: "bc1q" }));
    const again = await ask("POST", "/v1/payments", pay("k", { to: "bc1q" }));
    assert.deepEqual([again.status, again.json.error.code], [409, "idempotency-conflict"]);
    assert.equal(node.asked.length, 1);
  });

  it("are not made again while what was made is not written down yet, as where the store fails meanwhile", async () => {
    const { ask, node } = daemonDouble();
    node.onPay = async () => {
      throw new NodeError("frozen", "it goes out later", { remedy: "r", details: { paymentId: "p" } });
    };
    const asked = pay("k", { to: "bc1q" });
    assert.equal((await ask("POST", "/v1/payments", asked)).status, 503);
    const again = await ask("POST", "/v1/payments", asked);
    assert.deepEqual([again.status, again.json.error.code], [409, "idempotency-conflict"]);
    assert.match(again.json.error.message, /payment p /);
    node.keep(somePayment("p", 1));
    assert.equal((await ask("POST", "/v1/payments", asked)).json.id, "p");
    assert.equal(node.asked.length, 1);
  });
});
