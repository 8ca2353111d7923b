import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sat, Txid } from "@fulmen/bitcoin/primitives";
import { feeratePerKw } from "@fulmen/lightning/util";
import { ElectrumServer } from "@fulmen/testkit/electrum";
import { createFundedChain, Faucet } from "@fulmen/testkit/wallet";
import { RecordingFollower } from "../transactions/recordingFollower.ts";
import { clientsOf, failure, scene } from "./scene.ts";
import type { CallLog } from "./servedElectrum.ts";

/** A chain with payments to two scripts in some blocks, and a server of it. */
function world() {
  const { chain, faucet } = createFundedChain();
  const server = new ElectrumServer(chain);
  const owners = [new Faucet(77), new Faucet(78)];
  const [first, second] = owners.map(({ script }) => script) as [Uint8Array, Uint8Array];
  const pay = (script: Uint8Array): void => {
    const output = { value: 100_000n as Sat, script };
    assert.ok(chain.submit(faucet.fund(chain, [output], feeratePerKw(1_000))).ok);
    server.update();
  };
  const mine = (count = 1): void => {
    chain.mine(count);
    server.update();
  };
  return { chain, server, first, second, pay, mine };
}

/** Of a method. */
function countOf(calls: CallLog, method: string): number {
  return calls.filter((call) => call.method === method).length;
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 5_000; !condition(); await sleep(2)) assert.ok(Date.now() < end, "in time");
}

describe("an Electrum server that goes away", () => {
  it("after any of its answers costs a sync nothing but another try", () =>
    scene(async (it) => {
      const { chain, server, first, second, pay, mine } = world();
      const start = chain.locator();
      for (const script of [first, second, first]) {
        pay(script);
        mine();
      }
      let left = Number.POSITIVE_INFINITY;
      const served = await it.serve(server, { tamper: (line) => (left-- > 0 ? line : undefined) });
      let cuts = 0;
      for (let answers = 3; ; answers++) {
        const source = it.source([served.url]);
        left = Number.POSITIVE_INFINITY;
        await source.start();
        left = answers - 3;
        const follower = new RecordingFollower(start);
        const clients = clientsOf(follower, [first, second]);
        const wasCut = await source.sync(clients).then(
          () => false,
          (error) => error.code === "unreachable" || assert.fail(String(error)),
        );
        left = Number.POSITIVE_INFINITY;
        await source.sync(clients);
        assert.equal(follower.position()?.hash, chain.tip.hash);
        assert.equal(follower.confirmed.size, 3, `cut after ${answers} answers`);
        // Each is told once, whatever happened.
        assert.equal(follower.lines.filter((line) => line.startsWith("confirmed")).length, 3);
        await source.stop();
        if (!wasCut) break;
        cuts++;
      }
      assert.ok(cuts >= 8, `${cuts} cuts`);
    }));

  it("is subscribed to anew, and asked for what changed meanwhile only", () =>
    scene(async (it) => {
      const { chain, server, first, second, pay, mine } = world();
      const calls: CallLog = [];
      let served = await it.serve(server, { calls });
      const { url, port } = served;
      const source = it.source([url]);
      await source.start();
      const follower = new RecordingFollower(chain.locator());
      const clients = clientsOf(follower, [first, second]);
      pay(first);
      pay(second);
      mine();
      await source.sync(clients);
      assert.equal(countOf(calls, "blockchain.scripthash.subscribe"), 2);
      assert.equal(countOf(calls, "blockchain.scripthash.get_history"), 2);
      calls.length = 0;
      await source.sync(clients);
      assert.deepEqual(
        calls.map(({ method }) => method),
        ["blockchain.headers.subscribe"],
        "nothing is asked when nothing changed",
      );
      await served.close();
      pay(first);
      mine();
      const woken = source.changed(new AbortController().signal);
      calls.length = 0;
      served = await it.serve(server, { calls, port });
      await woken;
      await source.sync(clients);
      assert.equal(follower.confirmed.size, 3);
      assert.equal(countOf(calls, "blockchain.scripthash.subscribe"), 2);
      assert.equal(countOf(calls, "blockchain.scripthash.get_history"), 1);
      // And is heard from then on.
      const heard = source.changed(new AbortController().signal);
      mine();
      await heard;
    }));

  it("is not asked again and again when it goes away again and again", () =>
    scene(async (it) => {
      const { server } = world();
      // The handshake takes three answers.
      let answers = 0;
      const served = await it.serve(server, { tamper: (line) => (++answers % 4 === 0 ? undefined : line) });
      const options = { minReconnectDelay: 20, pingInterval: 4 };
      await it.source([served.url], options).start();
      await until(() => served.connections >= 3);
      await sleep(400);
      // At once, then after 40, 80, 160 and 320 ms, each by up to a quarter less; and each lasts until the first ping.
      assert.ok(served.connections <= 7, `${served.connections} connections`);
    }));

  it("does not make whoever follows it hasten from one failure to the next", () =>
    scene(async (it) => {
      const { chain, server, first } = world();
      const served = await it.serve(server);
      const source = it.source([served.url], { pollInterval: 60 });
      await source.start();
      const clients = clientsOf(new RecordingFollower(chain.locator()));
      source.filter.registerTransaction("ab".repeat(32) as Txid, first);
      await source.changed(new AbortController().signal);
      await served.close();
      await failure(source.sync(clients), "unreachable");
      const failedAt = performance.now();
      await source.changed(new AbortController().signal);
      assert.ok(performance.now() - failedAt >= 55, "though there is something left");
    }));

  it("is followed by the next one, until that goes away too", () =>
    scene(async (it) => {
      const { chain, server } = world();
      const one = await it.serve(server);
      const two = await it.serve(server);
      const source = it.source([one.url, two.url]);
      await source.start();
      assert.deepEqual([one.connections, two.connections], [1, 0]);
      one.cut();
      await until(() => two.connections === 1);
      await source.sync(clientsOf(new RecordingFollower(chain.locator())));
      two.cut();
      await until(() => one.connections === 2);
      await source.sync(clientsOf(new RecordingFollower(chain.locator())));
    }));

  it("is looked for at longer and longer intervals", () =>
    scene(async (it) => {
      const served = await it.serve(world().server);
      const source = it.source([served.url], { minReconnectDelay: 10, maxReconnectDelay: 60_000 });
      await source.start();
      await served.close();
      const closing = await it.closer({ port: served.port });
      await until(() => closing.connections >= 2);
      await sleep(400);
      // At once, then after 20, 40, 80, 160 and 320 ms, each by up to a quarter less.
      assert.ok(closing.connections <= 8, `${closing.connections} attempts`);
      const attempts = closing.connections;
      await failure(source.feerates(), "unreachable");
      assert.equal(closing.connections, attempts + 1, "once more when it is needed");
    }));
});

describe("an Electrum server that lies or babbles", () => {
  it("is left for another one, and not come back to soon", () =>
    scene(async (it) => {
      const { chain, server, first, pay, mine } = world();
      const liar = await it.serve(server, {
        tamper: (line) =>
          line.replace(/"block_height": ?\d+, ?"merkle": ?\["./, (proof) => `${proof.slice(0, -1)}x`),
      });
      const honest = await it.serve(server);
      const source = it.source([liar.url, honest.url]);
      await source.start();
      const follower = new RecordingFollower(chain.locator());
      const clients = clientsOf(follower, [first]);
      pay(first);
      mine();
      await failure(source.sync(clients), "invalid-answer");
      assert.equal(follower.confirmed.size, 0);
      await source.sync(clients);
      assert.equal(follower.confirmed.size, 1);
      honest.cut();
      await until(() => honest.connections === 2);
      assert.equal(liar.connections, 1);
    }));

  for (const [what, text, complaint] of [
    [
      "a web server",
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html>\n",
      /a web server answers/,
    ],
    ["one that sends garbage", "\u0000\u0001garbage\n", /not the Electrum protocol/],
    ["one that answers what nobody asked", '{"id":99,"result":1}\n', /answers 99, which nobody asked/],
    ["one whose lines have no end", "x".repeat(200_000), /a line of more than 100000 bytes/],
  ] as const) {
    for (const protocol of ["tcp", "ws"] as const) {
      it(`is not followed: ${what}, over ${protocol}`, () =>
        scene(async (it) => {
          const served = await it.sayer(text, { protocol });
          const source = it.source([served.url], { maxLineLength: 100_000 });
          assert.match((await failure(source.start(), "invalid-answer")).message, complaint);
          const { server } = world();
          const other = await it.serve(server);
          await it.source([served.url, other.url], { maxLineLength: 100_000 }).start();
        }));
    }
  }

  it("is not waited for: one that says nothing", () =>
    scene(async (it) => {
      const served = await it.sayer("");
      await failure(it.source([served.url], { timeout: 50 }).start(), "unreachable");
      await failure(it.source([served.url], { connectTimeout: 50 }).start(), "unreachable");
      const tls = it.source([served.url.replace("tcp:", "ssl:")], { connectTimeout: 50 });
      await failure(tls.start(), "unreachable");
    }));

  it("is not believed in what it says unasked", () =>
    scene(async (it) => {
      const { chain, server, mine } = world();
      const flood = Array.from({ length: 200 }, (_, n) =>
        JSON.stringify({
          method: "blockchain.scripthash.subscribe",
          params: [`${n}`.padStart(64, "0"), null],
        }),
      );
      const served = await it.serve(server, {
        tamper: (line) => [...flood, line, '{"method":"x","params":[]}'],
      });
      const source = it.source([served.url]);
      await source.start();
      mine();
      const follower = new RecordingFollower(chain.locator());
      await source.sync(clientsOf(follower));
      assert.deepEqual(follower.lines, []);
      assert.equal(served.connections, 1);
    }));
});

describe("a stopped source", () => {
  it("ends what connects, what waits and what is asked, and leaves nothing behind", () =>
    scene(async (it) => {
      const silent = await it.sayer("");
      const connecting = it.source([silent.url]);
      const started = failure(connecting.start(), "stopped");
      await until(() => silent.connections === 1);
      await connecting.stop();
      await started;
      await failure(connecting.start(), "stopped");
      const gone = it.source(["tcp://127.0.0.1:1"], { minReconnectDelay: 60_000 });
      await failure(gone.start(), "unreachable");
      await failure(gone.feerates(), "stopped");
      await gone.stop();
    }));
});
