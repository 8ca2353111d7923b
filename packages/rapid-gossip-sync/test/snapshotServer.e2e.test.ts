import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { decodeRapidSnapshot } from "@fulmen/lightning/gossip";
import type { UnixSeconds } from "@fulmen/lightning/util";
import { fetchSnapshot, RapidGossipSyncServer, syncFrom } from "@fulmen/rapid-gossip-sync";
import { emptyGraph, feesIn, sampleGraph, setFee, start } from "./sampleGraph.ts";

const hour = 3600;

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, path, headers, method }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.on("error", reject);
    sent.end();
  });
}

describe("a server of snapshots", () => {
  const graph = sampleGraph(300);
  const errors: unknown[] = [];
  let time: UnixSeconds = start;
  let refreshes = 0;
  let port = 0;
  const server = new RapidGossipSyncServer({
    graph: () => graph,
    clock: () => time,
    onRefresh: () => refreshes++,
    onError: (error) => errors.push(error),
  });

  before(async () => {
    port = await server.listen({ port: 0 });
  });
  after(async () => {
    await server.close();
    assert.deepEqual(errors, []);
  });

  it("answers under LDK's addresses, in both versions", async () => {
    for (const [path, version] of [
      ["/snapshot/0", 1],
      ["/snapshot/0.bin", 1],
      ["/v2/snapshot/0", 2],
      ["/v2/snapshot/0.bin", 2],
      ["/v2/snapshot/1700000000?x=y", 2],
    ] as const) {
      const { status, headers, body } = await ask(port, path);
      assert.equal(status, 200);
      assert.equal(headers["content-type"], "application/octet-stream");
      const snapshot = decodeRapidSnapshot(body);
      assert.deepEqual([snapshot.version, snapshot.channels.length], [version, 300], path);
    }
  });

  it("compresses for whom it may", async () => {
    const plain = await ask(port, "/v2/snapshot/0");
    for (const field of ["gzip", "br;q=1.0, gzip;q=0.8", "deflate, *", "GZIP"]) {
      const { headers, body } = await ask(port, "/v2/snapshot/0", { "accept-encoding": field });
      assert.equal(headers["content-encoding"], "gzip", field);
      assert.equal(headers["vary"], "accept-encoding");
      assert(body.length < plain.body.length / 2);
      assert.deepEqual(new Uint8Array(gunzipSync(body)), new Uint8Array(plain.body));
    }
    for (const field of ["identity", "gzip;q=0", "gzip; q=0.000, br", "gzippy"]) {
      const { headers } = await ask(port, "/v2/snapshot/0", { "accept-encoding": field });
      assert.equal(headers["content-encoding"], undefined, field);
    }
  });

  it("need not send again what a cache has", async () => {
    const first = await ask(port, "/v2/snapshot/0");
    const etag = String(first.headers["etag"]);
    const untilNext = 3 * hour - (start % (3 * hour));
    assert.equal(first.headers["cache-control"], `public, max-age=${untilNext}`);
    for (const field of [etag, `"other", ${etag}`, `W/${etag}`, "*"]) {
      const { status, body, headers } = await ask(port, "/v2/snapshot/0", { "if-none-match": field });
      assert.deepEqual([status, body.length, headers["etag"]], [304, 0, etag]);
    }
    const compressed = await ask(port, "/v2/snapshot/0", {
      "if-none-match": etag,
      "accept-encoding": "gzip",
    });
    assert.equal(compressed.status, 200);
  });

  it("refuses what it does not have", async () => {
    for (const path of [
      "/",
      "/snapshot",
      "/snapshot/-1",
      "/snapshot/x",
      "/v3/snapshot/0",
      "/snapshot/4294967296",
    ]) {
      assert.equal((await ask(port, path)).status, 404, path);
    }
    const { status, headers } = await ask(port, "/v2/snapshot/0", {}, "POST");
    assert.deepEqual([status, headers["allow"]], [405, "GET, HEAD"]);
    const head = await ask(port, "/v2/snapshot/0", {}, "HEAD");
    assert.deepEqual([head.status, head.body.length], [200, 0]);
    assert(Number(head.headers["content-length"]) > 1000);
  });

  it("brings a graph up to date, and keeps it so", async () => {
    const client = emptyGraph();
    const url = `http://127.0.0.1:${port}/v2/snapshot/`;
    assert.deepEqual(await syncFrom(url, client, time), { ok: true, value: time });
    assert.deepEqual(feesIn(client), feesIn(graph));
    for (let i = 1; i <= 3; i++) {
      time = (time + 3 * hour) as UnixSeconds;
      setFee(graph, i, { fromNodeOne: i % 2 === 0, feeBaseMsat: i, time });
      assert((await syncFrom(url, client, time)).ok);
      assert.deepEqual(feesIn(client), feesIn(graph));
    }
    assert.equal(refreshes, 3);
  });

  it("outlives clients that ask and do not read", async () => {
    const idle = Array.from({ length: 20 }, () => connect(port, "127.0.0.1"));
    for (const socket of idle) {
      socket.on("error", () => {});
      socket.pause();
      socket.write("GET /v2/snapshot/0 HTTP/1.1\r\nhost: x\r\n\r\n".repeat(50));
    }
    assert.equal((await ask(port, "/v2/snapshot/0")).status, 200);
    for (const socket of idle) socket.destroy();
  });
});

describe("fetching a snapshot", () => {
  const paths: string[] = [];
  let base = "";
  const server = createServer((incoming, response) => {
    const path = incoming.url ?? "";
    paths.push(path);
    if (path.startsWith("/bomb")) {
      response.setHeader("content-encoding", "gzip");
      response.end(gzipSync(new Uint8Array(5_000_000)));
    } else if (path.startsWith("/slow")) {
      response.write("LDK");
    } else if (path.startsWith("/cut")) {
      response.setHeader("content-length", 100);
      response.write("LDK");
      setImmediate(() => response.destroy());
    } else if (path.startsWith("/garbled")) {
      response.setHeader("content-encoding", "gzip");
      response.end("not gzip");
    } else if (path === "/ldk/0") {
      response.end("LDK");
    } else {
      response.statusCode = 404;
      response.end("no");
    }
  });

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  async function failure(path: string): Promise<string> {
    const result = await fetchSnapshot(`${base}${path}`, { maxBytes: 1_000_000, timeout: 300 });
    assert(!result.ok);
    return result.error.kind;
  }

  it("ends where it is too long, however well it was compressed", async () => {
    assert.equal(await failure("/bomb"), "too-long");
  });

  it("ends where it takes too long", async () => {
    assert.equal(await failure("/slow"), "timed-out");
  });

  it("says what else went wrong", async () => {
    assert.equal(await failure("/cut"), "unreachable");
    assert.equal(await failure("/garbled"), "unreachable");
    assert.equal(await failure("/nowhere"), "bad-status");
    const unreachable = await fetchSnapshot("http://127.0.0.1:1/snapshot/0");
    assert(!unreachable.ok && unreachable.error.kind === "unreachable");
    const nonsense = await fetchSnapshot("no address");
    assert(!nonsense.ok && nonsense.error.kind === "unreachable");
  });

  it("asks for everything where the server does not have the time, and takes nothing that is false", async () => {
    const graph = sampleGraph(2);
    graph.lastRapidGossipSync = start;
    const expected = feesIn(graph);
    paths.length = 0;
    const result = await syncFrom(`${base}/ldk`, graph, start);
    assert(!result.ok && result.error.kind === "bad-snapshot");
    assert.deepEqual(paths, [`/ldk/${start}`, "/ldk/0"]);
    assert.deepEqual(feesIn(graph), expected);
  });
});
