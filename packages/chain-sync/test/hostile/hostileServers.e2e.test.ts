import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { type ChainSource, ChainSourceError } from "@fulmen/chain-sync";
import { BitcoindSource } from "@fulmen/chain-sync/bitcoind";
import { ElectrumSource } from "@fulmen/chain-sync/electrum";
import { EsploraSource } from "@fulmen/chain-sync/esplora";

// Servers on real sockets that never stop, never get going, or send what is small and becomes large.

const limit = 1_000_000;
const late = 400;
const network = "regtest";
const authentication = { kind: "password", user: "u", password: "p" } as const;
const sources: Readonly<Record<string, (port: number) => ChainSource>> = {
  bitcoind: (port) =>
    new BitcoindSource({
      ...{ network, authentication },
      url: `http://127.0.0.1:${port}`,
      timeoutSeconds: late / 1_000,
    }),
  Esplora: (port) =>
    new EsploraSource({ network, url: `http://127.0.0.1:${port}`, timeout: late, maxAnswerBytes: limit }),
  Electrum: (port) =>
    new ElectrumSource({
      ...{ network, servers: [`tcp://127.0.0.1:${port}`], maxLineLength: limit },
      ...{ connectTimeout: late, timeout: late / 4 },
    }),
};

/** What a server does about a socket on which something was asked; `head` begins an answer. */
type Conduct = (socket: Socket, head: (encoding?: string) => void) => void;

const servers: { readonly server: Server; readonly sockets: Set<Socket> }[] = [];
after(() => {
  for (const { server, sockets } of servers) {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
});

async function listen(protocol: string, conduct: Conduct): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => {
      const head = (encoding = ""): void => {
        if (protocol === "Electrum") return;
        socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${encoding}\r\n`);
      };
      conduct(socket, head);
    });
  });
  servers.push({ server, sockets });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** The error of a start, which comes in time. */
async function refusal(protocol: string, conduct: Conduct): Promise<ChainSourceError> {
  const source = sources[protocol]?.(await listen(protocol, conduct));
  assert.ok(source);
  const began = performance.now();
  try {
    const error: unknown = await source.start().then(
      () => new Error("it starts"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ChainSourceError, String(error));
    assert.ok(performance.now() - began < 10 * late, "in time");
    return error;
  } finally {
    await source.stop();
  }
}

for (const protocol of Object.keys(sources)) {
  describe(`a server for ${protocol}`, () => {
    it("that never stops sending is cut off", async () => {
      let sent = 0;
      const piece = Buffer.alloc(65_536, "x");
      const { code } = await refusal(protocol, (socket, head) => {
        head();
        const go = (): void => {
          do sent += piece.length;
          while (socket.write(piece) && !socket.destroyed);
        };
        socket.on("drain", go);
        go();
      });
      assert.equal(code, "invalid-answer");
      assert.ok(
        sent < limit + 12_000_000,
        `${sent} bytes were sent, a part of which is the system's buffers`,
      );
    });

    it("that sends a byte now and then is not waited for", async () => {
      const { code } = await refusal(protocol, (socket, head) => {
        head();
        const timer = setInterval(() => socket.write(" "), 10);
        socket.on("close", () => clearInterval(timer));
      });
      assert.equal(code, "unreachable");
    });

    it("that sends lists in lists in lists is refused", async () => {
      for (const [open, close] of [
        ["[", "]"],
        ['{"error":', "}"],
      ] as const) {
        const times = Math.floor(limit / (open.length + close.length)) - 20;
        const { code } = await refusal(protocol, (socket, head) => {
          head();
          socket.end(`${open.repeat(times)}0${close.repeat(times)}\n`);
        });
        assert.equal(code, "invalid-answer");
      }
    });

    it("that sends little which unpacks to much is refused", async () => {
      const bomb = gzipSync(Buffer.alloc(50_000_000, 0x20));
      const before = process.memoryUsage().arrayBuffers;
      const { code } = await refusal(protocol, (socket, head) => {
        head("Content-Encoding: gzip\r\n");
        socket.end(Buffer.concat([bomb, Buffer.from("\n")]));
      });
      assert.equal(code, "invalid-answer");
      assert.ok(process.memoryUsage().arrayBuffers - before < 20_000_000);
    });
  });
}
