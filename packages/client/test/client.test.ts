import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Client, ClientError, createClient } from "@fulmen/client";

interface Asked {
  readonly url: string;
  readonly method: string | undefined;
  readonly headers: Headers;
  readonly body: unknown;
}

/** A client of a node that gives these answers, one after the other, and what it was asked. */
function clientOf(...answers: readonly (() => Response)[]): { client: Client; asked: Asked[] } {
  const asked: Asked[] = [];
  const client = createClient({
    url: "http://node/",
    token: "a-token",
    retryDelayMilliseconds: 1,
    fetch: async (url, init) => {
      asked.push({
        url: String(url),
        method: init?.method,
        headers: new Headers(init?.headers),
        body: typeof init?.body === "string" ? JSON.parse(init.body) : undefined,
      });
      const answer = answers[asked.length - 1];
      if (answer === undefined) throw new TypeError("fetch failed");
      return answer();
    },
  });
  return { client, asked };
}

const json = (value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
const refusal = (code: string, status: number, headers?: Readonly<Record<string, string>>): Response =>
  json({ error: { code, message: "it is so", remedy: "do this" } }, status, headers);

describe("a node that is not reached", () => {
  const said = (url: string, cause?: Error) =>
    createClient({ url, retries: 0, fetch: () => Promise.reject(new TypeError("fetch failed", { cause })) })
      .info()
      .catch((error: ClientError) => error.message);

  it("is told from an address that is none, and from one whose certificate is not trusted", async () => {
    assert.equal(await said("http://node"), "Nobody answers at http://node.");
    assert.equal(await said(""), "Nobody answers at this address.");
    for (const url of ["node", "127.0.0.1:9734", "ftp://node"])
      assert.equal(await said(url), `${url} is no address of a node.`);
    const cause = Object.assign(new Error("self-signed certificate"), {
      code: "DEPTH_ZERO_SELF_SIGNED_CERT",
    });
    assert.equal(
      await said("https://node", cause),
      "The certificate of https://node is not trusted: self-signed certificate.",
    );
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    assert.equal(await said("https://node", refused), "Nobody answers at https://node.");
  });
});

describe("calls of the client", () => {
  it("put fields into the path, the query or the body, and the token into a header", async () => {
    const { client, asked } = clientOf(
      () => json({ payments: [] }),
      () => json({ done: true }),
      () => json({ id: "a" }),
      () => json({ done: true }),
    );
    await client.payments({ limit: 5, direction: "sent" });
    await client.closeChannel({ channelId: "ab", feeratePerKw: 300 });
    await client.payment({ id: "../v1/info" });
    await client.disconnectPeer({ nodeId: "02" });
    assert.deepEqual(
      asked.map(({ method, url, body }) => [method, url, body]),
      [
        ["GET", "http://node/v1/payments?limit=5&direction=sent", undefined],
        ["POST", "http://node/v1/channels/ab/close", { feeratePerKw: 300 }],
        ["GET", "http://node/v1/payments/..%2Fv1%2Finfo", undefined],
        ["DELETE", "http://node/v1/peers/02", undefined],
      ],
    );
    assert.equal(asked[0]?.headers.get("authorization"), "Bearer a-token");
  });

  it("reject with the node's code, message and remedy", async () => {
    const { client } = clientOf(() => refusal("route-not-found", 422));
    await assert.rejects(client.pay({ to: "lnbc1" }), (error) => {
      assert.ok(error instanceof ClientError);
      assert.deepEqual([error.code, error.message, error.remedy], ["route-not-found", "it is so", "do this"]);
      assert.equal(error.status, 422);
      return true;
    });
  });

  it("say so when something else answers", async () => {
    const { client } = clientOf(() => new Response("<html>", { status: 404 }));
    await assert.rejects(client.info(), { code: "not-fulmen" });
  });

  it("are made again after lost connections and when the node is too busy, with one idempotency key", async ({
    mock,
  }) => {
    mock.method(crypto, "randomUUID", () => assert.fail("missing where a page came without TLS"));
    const { client, asked } = clientOf(
      () => refusal("rate-limited", 429, { "retry-after": "0.001" }),
      () => {
        throw new TypeError("fetch failed");
      },
      () => json({ id: "a" }),
    );
    await client.pay({ to: "lnbc1" });
    const keys = asked.map(({ headers }) => headers.get("idempotency-key"));
    assert.equal(keys.length, 3);
    assert.ok((keys[0] ?? "").length > 10);
    assert.equal(new Set(keys).size, 1);
  });

  it("are not made again where that could do something twice", async () => {
    const { client, asked } = clientOf();
    await assert.rejects(client.sendOnchain({ address: "bc1", amountSat: "1000" }), { code: "unreachable" });
    assert.equal(asked.length, 1);
  });

  it("give up after some attempts", async () => {
    const { client, asked } = clientOf();
    await assert.rejects(client.info(), { code: "unreachable" });
    assert.equal(asked.length, 5);
  });

  it("give the reasons of a node that is not ready", async () => {
    const { client } = clientOf(() => json({ ready: false, reasons: ["it starts"] }, 503));
    assert.deepEqual(await client.readiness(), { ready: false, reasons: ["it starts"] });
  });
});

describe("events of the client", () => {
  /** An answer with these pieces, after which the connection ends or breaks. */
  function stream(pieces: readonly string[], breaks: boolean): Response {
    const left = pieces.map((piece) => new TextEncoder().encode(piece));
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const next = left.shift();
        if (next !== undefined) controller.enqueue(next);
        else if (breaks) controller.error(new TypeError("terminated"));
        else controller.close();
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }
  const event = (index: number): string => `id: ${index}\nevent: x\ndata: {"index":${index},"kind":"x"}\n\n`;

  it("go on behind the last one after a break, also before the first one came", async () => {
    const { client, asked } = clientOf(
      () => stream(["id: 6\n\n: hello\n\n"], true),
      () => stream([event(7), event(8).slice(0, 9), event(8).slice(9) + event(9).slice(0, 20)], true),
      () => stream([event(9)], false),
      () => refusal("token-expired", 401),
    );
    const seen: number[] = [];
    const lost: string[] = [];
    await assert.rejects(
      async () => {
        const events = client.events({ onReconnect: ({ code }) => void lost.push(code) });
        for await (const { index } of events) seen.push(index);
      },
      { code: "token-expired" },
    );
    assert.deepEqual(seen, [7, 8, 9]);
    assert.deepEqual(
      asked.map(({ headers }) => headers.get("last-event-id")),
      [null, "6", "8", "9"],
    );
    assert.equal(lost.length, 3);
  });

  it("that are no JSON are refused as an answer of something else", async () => {
    const { client } = clientOf(() => stream(['id: 1\ndata: {"kind"\n\n'], false));
    await assert.rejects(
      async () => {
        for await (const _ of client.events());
      },
      { name: "ClientError", code: "not-fulmen" },
    );
  });

  it("end when they are called off", async () => {
    const abort = new AbortController();
    const { client } = clientOf(() => stream([event(1)], false));
    for await (const { index } of client.events({ signal: abort.signal })) {
      assert.equal(index, 1);
      abort.abort();
    }
  });
});
