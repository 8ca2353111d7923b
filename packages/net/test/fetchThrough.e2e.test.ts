import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { dialDirectly, fetchThrough } from "@fulmen/net";
import { HttpService } from "@fulmen/testkit/sockets";

const service = await HttpService.listen(({ method, path, headers, body }) => {
  if (path === "/end") return undefined;
  if (path === "/empty") return { status: 204, body: "" };
  const said = `${method} ${path} ${headers["x-mine"]} ${Buffer.from(body)}`;
  return { status: path === "/teapot" ? 418 : 200, headers: { "x-theirs": "yes" }, body: said };
});
after(() => service.close());

let dialled = 0;
const fetch = fetchThrough((target, signal) => {
  dialled++;
  assert.equal(target.host, "service.example");
  return dialDirectly({ host: "127.0.0.1", port: target.port }, signal);
});
const url = (path: string): string => `http://service.example:${service.port}${path}`;

describe("fetch through something else", () => {
  it("sends and gets what fetch does, over connections that are kept", async () => {
    const answer = await fetch(url("/a?b=c"), { method: "POST", headers: { "X-Mine": "1" }, body: "hello" });
    assert.deepEqual([answer.status, answer.headers.get("x-theirs")], [200, "yes"]);
    assert.equal(await answer.text(), "POST /a?b=c 1 hello");
    const second = await fetch(url("/teapot"));
    assert.deepEqual([second.status, await second.text()], [418, "GET /teapot undefined "]);
    assert.equal((await fetch(url("/empty"))).status, 204);
    assert.equal(dialled, 1);
  });

  it("rejects when the server ends, when dialling fails, and when nobody waits any more", async () => {
    await assert.rejects(fetch(url("/end")));
    const failing = fetchThrough(() => Promise.reject(new Error("no way there")));
    await assert.rejects(failing(url("/a")), /no way there/);
    const hanging = fetchThrough(() => new Promise(() => {}));
    await assert.rejects(hanging(url("/a"), { signal: AbortSignal.timeout(20) }), { name: /Abort|Timeout/ });
  });

  it("checks certificates", async () => {
    // What answers speaks no TLS at all.
    await assert.rejects(fetch(url("/a").replace("http:", "https:")), { code: /SSL|EPROTO|ECONNRESET/ });
  });
});
