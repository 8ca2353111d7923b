// timeout: 60 s
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createClient } from "@fulmen/client";
import { msat, type PaymentHash } from "@fulmen/lightning/util";
import { type Listening, listen } from "@fulmen/server";
import { daemonDouble } from "./daemonDouble.ts";

const { app, node, lines } = daemonDouble();
let listening: Listening;
before(async () => {
  listening = await listen(app.fetch, { port: 0 });
});
after(() => listening.close());

const received = (amount: bigint) =>
  ({
    kind: "payment-received",
    paymentId: "p",
    paymentHash: "ab".repeat(32) as PaymentHash,
    amount: msat(amount),
  }) as const;

/** Sends raw bytes, and gives what comes back until the connection ends, or this many milliseconds pass. */
async function raw(text: string, milliseconds: number): Promise<{ answer: string; ended: boolean }> {
  const socket = connect(listening.port, "127.0.0.1");
  let answer = "";
  let ended = false;
  socket.on("data", (data) => {
    answer += data.toString("latin1");
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    ended = true;
  });
  socket.write(text);
  const deadline = performance.now() + milliseconds;
  while (!ended && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  socket.destroy();
  return { answer, ended };
}

describe("the API over a socket", () => {
  it("serves the client, with its token", async () => {
    const client = createClient({ url: listening.url, token: "admin" });
    assert.equal((await client.info()).version, "1.2.3");
    assert.equal((await client.channels()).channels[0]?.localMsat, "9007199254740993");
    assert.equal((await client.pay({ to: "inv" })).status, "succeeded");
    assert.equal(await client.ledgerCsv(), "index,at\n1,2\n");
    await assert.rejects(client.connectPeer({ address: "02@h:1" }), { code: "internal", status: 500 });
    await assert.rejects(createClient({ url: listening.url, token: "read" }).backup(), {
      code: "scope-missing",
    });
  });

  it("streams events, and resumes behind the last one when the server comes back", async () => {
    const first = await listen(app.fetch, { port: 0 });
    const client = createClient({ url: first.url, token: "read", retryDelayMilliseconds: 10 });
    const seen: string[] = [];
    const abort = new AbortController();
    let lost = 0;
    const reading = (async () => {
      const onReconnect = (): void => void lost++;
      for await (const event of client.events({ signal: abort.signal, onReconnect })) {
        if (event.kind === "payment-received") seen.push(event.amountMsat);
      }
    })();
    const until = async (count: number): Promise<void> => {
      while (seen.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    while (node.readers === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    node.emit(received(1n));
    await until(1);
    const port = first.port;
    await first.close();
    node.emit(received(2n));
    const second = await listen(app.fetch, { port });
    node.emit(received(3n));
    await until(3);
    abort.abort();
    await reading;
    assert.deepEqual(seen, ["1", "2", "3"]);
    assert.ok(lost > 0);
    await second.close();
    while (node.readers > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it("refuses a body of 100 MB at its head, without reading it", async () => {
    const used = process.memoryUsage().rss;
    const head = `POST /v1/payments HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer admin\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n{`;
    const { answer, ended } = await raw(head, 3000);
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.match(answer, /body-too-large/);
    assert.ok(ended, "the connection is closed");
    assert.ok(process.memoryUsage().rss - used < 50_000_000);
  });

  it("refuses a body that grows beyond the limit without saying so", async () => {
    const piece = `4000\r\n${"x".repeat(0x4000)}\r\n`;
    const head = `POST /v1/payments HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer admin\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const { answer } = await raw(head + piece.repeat(40), 3000);
    assert.match(answer, /^HTTP\/1\.1 413 /);
  });

  it("takes no body that breaks off for a failure of its own", async () => {
    const head = `POST /v1/payments HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer admin\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`;
    const before = lines.length;
    await raw(head, 100);
    while (lines.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.match(lines.at(-1) ?? "", /"level":"debug".*"msg":"pay"/);
    assert.match(lines.at(-1) ?? "", /"status":400/);
  });

  it("refuses headers that are too large, and paths that lead out of it", async () => {
    const large = await raw(`GET /v1/info HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 3000);
    assert.match(large.answer, /^HTTP\/1\.1 431 /);
    for (const path of [
      "/../../../etc/passwd",
      "/v1/../../etc/passwd",
      "/%2e%2e/etc/passwd",
      "//etc/passwd",
    ]) {
      const { answer } = await raw(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, 3000);
      assert.match(answer, /^HTTP\/1\.1 40[04] /, path);
    }
  });

  it("does not wait for ever for clients that send a byte now and then", async () => {
    const limits = { headersTimeout: 500, requestTimeout: 500, checkingInterval: 100 };
    const strict = await listen(app.fetch, { port: 0, limits });
    const socket = connect(strict.port, "127.0.0.1");
    socket.on("error", () => undefined);
    const closed = new Promise<void>((resolve) => void socket.once("close", () => resolve()));
    socket.write("GET /v1/info HTTP/1.1\r\nHost: a\r\n");
    const timer = setInterval(() => socket.write("X-Slow: 1\r\n"), 50);
    assert.equal((await createClient({ url: strict.url, token: "read" }).info()).peers, 1);
    await closed;
    clearInterval(timer);
    await strict.close();
  });

  it("gives way to a port that is taken, and does not go public without TLS", async () => {
    await assert.rejects(listen(app.fetch, { port: listening.port }), { code: "port-in-use" });
    await assert.rejects(listen(app.fetch, { port: 0, host: "0.0.0.0" }), { code: "public-without-tls" });
    await assert.rejects(listen(app.fetch, { port: 0, host: "203.0.113.7", allowPublicWithoutTls: true }), {
      code: "cannot-listen",
    });
    await assert.rejects(listen(app.fetch, { port: 0, tls: { certificate: "a", key: "b" } }), {
      code: "tls-unusable",
    });
  });

  it("speaks TLS", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fulmen-tls-"));
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    const name = [
      "-subj",
      "/CN=localhost",
      "-days",
      "2",
      "-nodes",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
    ];
    execFileSync("openssl", ["req", "-x509", "-keyout", key, "-out", certificate, ...name], {
      stdio: "ignore",
    });
    const tls = { key: readFileSync(key, "utf8"), certificate: readFileSync(certificate, "utf8") };
    rmSync(folder, { recursive: true });
    const secure = await listen(app.fetch, { port: 0, tls });
    const answer = await new Promise<string>((resolve, reject) => {
      get(
        `${secure.url.replace("127.0.0.1", "localhost")}/health`,
        { ca: tls.certificate, family: 4 },
        (response) => {
          response.on("data", (data) => resolve(String(data)));
        },
      ).on("error", reject);
    });
    assert.equal(answer, '{"status":"alive"}');
    await secure.close();
    const limits = { headersTimeout: 200, requestTimeout: 500, checkingInterval: 100 };
    const strict = await listen(app.fetch, { port: 0, tls, limits });
    const silent = connect(strict.port, "127.0.0.1");
    silent.on("error", () => undefined).resume();
    await new Promise<void>((resolve) => void silent.once("close", () => resolve()));
    await strict.close();
  });
});
