import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { after, describe, it } from "node:test";
import { type DialSocket, Socks5Error, socks5 } from "@fulmen/net";
import { Socks5Server } from "@fulmen/testkit/sockets";
import { host, type NetNode, startNode, until } from "./nodes.ts";

const onion = `${"a".repeat(56)}.onion`;
const endings: (() => void)[] = [];
after(() => {
  for (const end of endings) end();
});

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  endings.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function proxied(names: Readonly<Record<string, number>>, reply?: number): Promise<Socks5Server> {
  const server = await Socks5Server.listen(names, reply);
  endings.push(() => void server.close());
  return server;
}

async function failure(dialling: Promise<unknown>): Promise<Socks5Error> {
  const error = await dialling.then(
    () => new Error("connected"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Socks5Error, String(error));
  return error;
}

const nobody = new AbortController().signal;

function start(n: number, connectVia?: DialSocket): NetNode {
  const node = startNode(n, connectVia === undefined ? {} : { connectVia });
  endings.push(() => void node.transport.close());
  return node;
}

describe("through a SOCKS5 proxy", () => {
  it("a peer is reached by its onion address, which nobody else is asked for", async () => {
    const bob = start(2);
    const { port } = await bob.transport.listen({ host, port: 0 });
    const tor = await proxied({ [`${onion}:9735`]: port });
    const alice = start(1, socks5({ host, port: tor.port }));
    const dialled = await alice.transport.connect({ nodeId: bob.nodeId, host: onion, port: 9735 });
    assert.ok(dialled.ok);
    await until(() => alice.channels.connected === 1 && bob.channels.connected === 1, "connected");
    assert.equal(tor.asked[0]?.target, `${onion}:9735`);
    const lost = await alice.transport.connect({ nodeId: bob.nodeId, host: onion, port: 1 });
    assert.deepEqual(lost, { ok: false, error: { kind: "failed", code: "host-unreachable" } });
  });

  it("each destination has a name of its own, the same each time and another one for others", async () => {
    const echo = await listening(createServer((socket) => socket.pipe(socket)));
    const tor = await proxied({ "a.example:1": echo, "a.example:2": echo, "b.example:1": echo });
    const [one, two] = [socks5({ host, port: tor.port }), socks5({ host, port: tor.port })];
    for (const [dial, target] of [
      [one, { host: "a.example", port: 1 }],
      [one, { host: "A.example", port: 1 }],
      [one, { host: "a.example", port: 2 }],
      [one, { host: "b.example", port: 1 }],
      [two, { host: "a.example", port: 1 }],
    ] as const) {
      await dial(target, nobody).then(
        (socket) => socket.destroy(),
        () => {},
      );
    }
    const names = tor.asked.map(({ username, password }) => `${username} ${password}`);
    assert.equal(names[0], names[1]);
    assert.equal(new Set(names).size, 4);
    for (const name of names) assert.doesNotMatch(name, /example|undefined/);
  });

  it("credentials are those that the user gives, or none", async () => {
    const echo = await listening(createServer((socket) => socket.pipe(socket)));
    const tor = await proxied({ "a.example:1": echo });
    const target = { host: "a.example", port: 1 };
    for (const credentials of ["none", { username: "u", password: "p" }] as const) {
      const socket = await socks5({ host, port: tor.port, credentials })(target, nobody);
      socket.write("hello");
      const [heard] = await once(socket, "data");
      assert.equal(String(heard), "hello");
      socket.destroy();
    }
    assert.deepEqual(
      tor.asked.map(({ username, password }) => [username, password]),
      [
        [undefined, undefined],
        ["u", "p"],
      ],
    );
  });

  it("nothing is waited for for ever, and every failure has its name", async () => {
    const target = { host: "a.example", port: 1 };
    const silent = await listening(createServer(() => {}));
    const closing = await listening(createServer((socket) => socket.destroy()));
    const web = await listening(createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
    const refusing = await proxied({}, 5);
    const to = (port: number, timeout = 5_000) => failure(socks5({ host, port, timeout })(target, nobody));
    assert.equal((await to(silent, 50)).code, "timed-out");
    assert.equal((await to(closing)).code, "proxy-unreachable");
    assert.equal((await to(web)).code, "invalid-answer");
    assert.equal((await to(refusing.port)).code, "connection-refused");
    const gone = createServer();
    const port = await listening(gone);
    await new Promise((resolve) => gone.close(resolve));
    assert.match((await to(port)).message, /ECONNREFUSED/);
    const controller = new AbortController();
    const aborted = failure(socks5({ host, port: silent })(target, controller.signal));
    controller.abort();
    assert.equal((await aborted).code, "aborted");
    assert.equal(
      (await failure(socks5({ host, port: silent })(target, AbortSignal.abort()))).code,
      "aborted",
    );
    const bad = failure(socks5({ host, port: silent })({ host: "a b", port: 1 }, nobody));
    assert.equal((await bad).code, "bad-address");
  });
});

describe("a transport that dials through something else", () => {
  const peer = { nodeId: start(9).nodeId, host: "a.example", port: 1 };

  it("waits no longer than it may, and closes what comes too late", async () => {
    const silent = await listening(createServer(() => {}));
    let come: (socket: Socket) => void = () => {};
    const late = new Promise<Socket>((resolve) => {
      come = resolve;
    });
    const node = startNode(1, { connectVia: () => late, connectTimeout: 30 });
    endings.push(() => void node.transport.close());
    assert.deepEqual(await node.transport.connect(peer), { ok: false, error: { kind: "timed-out" } });
    const socket = connect(silent, host);
    await once(socket, "connect");
    come(socket);
    await once(socket, "close");
  });

  it("ends dialling when it is closed", async () => {
    const node = start(1, () => new Promise(() => {}));
    const dialling = node.transport.connect(peer);
    await node.transport.close();
    assert.deepEqual(await dialling, { ok: false, error: { kind: "transport-closed" } });
  });

  it("is needed for onion addresses", async () => {
    const dialled = await start(1).transport.connect({ ...peer, host: onion });
    assert.deepEqual(dialled, { ok: false, error: { kind: "failed", code: "NEEDS_TOR" } });
  });
});
