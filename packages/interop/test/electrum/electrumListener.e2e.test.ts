import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { createFundedChain } from "@fulmen/testkit";
import { ElectrumListener } from "#src/index";

installNodeCrypto();

const greeting = '{"id": 0, "method": "server.version", "params": ["test", "1.4"]}\n';

interface Line {
  readonly id?: number;
  readonly method?: string;
  readonly params?: readonly { readonly height: number }[];
  readonly result?: unknown;
}

async function startListener(t: TestContext) {
  const { chain } = createFundedChain();
  const listener = await ElectrumListener.start(chain);
  t.after(() => listener.stop());
  const dial = async (): Promise<Socket> => {
    const socket = connect({ host: "127.0.0.1", port: listener.port });
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  };
  return { chain, listener, dial };
}

/** The lines that come until `count` have come. */
async function lines(socket: Socket, count: number): Promise<readonly Line[]> {
  let text = "";
  for await (const piece of socket.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    text += piece;
    if (text.split("\n").length > count) break;
  }
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

test("clients are answered, and told of blocks without being asked again", { timeout: 10_000 }, async (t) => {
  const { chain, dial } = await startListener(t);
  const sockets = await Promise.all([dial(), dial()]);
  for (const socket of sockets) {
    socket.write(
      `${greeting}{"id": 1, "method": "blockchain.headers.subscribe"}\n{"id": 2, "method": "server.p`,
    );
    assert.deepEqual(
      (await lines(socket, 2)).map(({ id }) => id),
      [0, 1],
    );
    socket.write('ing"}\n');
    assert.deepEqual(await lines(socket, 1), [{ jsonrpc: "2.0", result: null, id: 2 }]);
  }
  chain.mine();
  for (const socket of sockets) {
    const [news] = await lines(socket, 1);
    assert.equal(news?.method, "blockchain.headers.subscribe");
    assert.equal(news?.params?.[0]?.height, 110);
  }
});

test("who asks and does not read is read no more, and does not hinder others", {
  timeout: 20_000,
}, async (t) => {
  const { chain, dial } = await startListener(t);
  chain.mine(2_016);
  const [greedy, other] = [await dial(), await dial()];
  greedy.pause();
  greedy.write(greeting);
  // 322 kB are answered to each of these; the blanks are for the buffers on the way.
  const request = `{"id": 1, "method": "blockchain.block.headers", "params": [0, 2016]${" ".repeat(4_000)}}\n`;
  for (let i = 0; i < 5_000; i++) greedy.write(request);
  await delay(300);
  assert.ok(greedy.writableLength > 0, "its requests wait on its side");
  other.write(greeting);
  assert.deepEqual(
    (await lines(other, 1)).map(({ id }) => id),
    [0],
  );
  greedy.destroy();
});

test("a connection that is refused or broken is closed", { timeout: 10_000 }, async (t) => {
  const { listener, dial } = await startListener(t);
  const rude = await dial();
  rude.write('{"id": 1, "method": "server.ping"}\n');
  const [answer] = await lines(rude, 1);
  assert.equal(answer?.id, 1);
  rude.resume();
  await once(rude, "end");
  const polite = await dial();
  polite.write(greeting);
  await lines(polite, 1);
  polite.resume();
  listener.disconnectAll();
  await once(polite, "close");
});
