import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { networks } from "@fulmen/bitcoin/network";
import { decodeRapidSnapshot, NetworkGraph } from "@fulmen/lightning/gossip";
import type { UnixSeconds } from "@fulmen/lightning/util";
import { syncFrom } from "@fulmen/rapid-gossip-sync";
import { type CommandContext, runCommand } from "#src/commands";
import { addChannel, emptyGraph, feesIn, sampleGraph, setFee } from "./sampleGraph.ts";

const started = Math.floor(Date.now() / 1000) as UnixSeconds;
const folder = mkdtempSync(join(tmpdir(), "fulmen-rapid-gossip-"));
const path = (name: string): string => join(folder, name);
after(() => rmSync(folder, { recursive: true }));

/** A context that remembers what was said, at a time that can be set. */
class Context implements CommandContext {
  time = started;
  readonly said: string[] = [];
  readonly complaints: string[] = [];
  readonly say = (text: string): void => void this.said.push(text);
  readonly complain = (text: string): void => void this.complaints.push(text);
  readonly clock = (): UnixSeconds => this.time;
}

describe("fulmen-rapid-gossip-sync make", () => {
  const common = ["make", "--graph", path("graph"), "--out", path("out")];

  it("writes a snapshot of everything, in either version", async () => {
    writeFileSync(path("graph"), sampleGraph(4, started).write());
    for (const version of [1, 2]) {
      const context = new Context();
      assert.deepEqual(await runCommand([...common, "--version", String(version)], context), { exitCode: 0 });
      const snapshot = decodeRapidSnapshot(readFileSync(path("out")));
      assert.deepEqual(
        [snapshot.version, snapshot.channels.length, snapshot.latestSeen],
        [version, 4, started],
      );
      assert.match(context.said.join(), /^4 channels and 8 updates as of \d+, \d+ bytes$/);
    }
  });

  it("writes what changed since a time, by a history of its own", async () => {
    const graph = sampleGraph(4, started);
    const context = new Context();
    const run = async (...more: readonly string[]) => {
      writeFileSync(path("graph"), graph.write());
      const parameters = [...common, "--history", path("history"), ...more];
      assert.deepEqual(await runCommand(parameters, context), { exitCode: 0 });
      return decodeRapidSnapshot(readFileSync(path("out")));
    };
    await run();
    context.time = (started + 60) as UnixSeconds;
    setFee(graph, 2, { fromNodeOne: true, feeBaseMsat: 5, time: context.time });
    const { channels, updates, latestSeen } = await run("--since", String(started));
    assert.deepEqual([channels.length, updates.length, latestSeen], [0, 1, started + 60]);
    const other = new NetworkGraph({ chainHash: networks.regtest.genesisHash });
    writeFileSync(path("other"), other.write());
    for (const [parameters, complaint] of [
      [["--graph", path("other"), "--network", "regtest"], /history is of chain 0{9}/],
      [[], /history is of \d+, it is \d+/],
    ] as const) {
      const earlier = new Context();
      const line = [...common, "--history", path("history"), ...parameters];
      assert.deepEqual(await runCommand(line, earlier), { exitCode: 1 });
      assert.match(earlier.complaints.join(), complaint);
    }
    // Once more in the same second: the graph is not looked at again, and nothing is lost.
    assert.equal((await run("--since", String(started))).updates.length, 1);
  });

  it("says what it cannot do, and does nothing then", async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [[], /^fulmen-rapid-gossip-sync serve/],
      [["make"], /^--graph is missing/],
      [[...common.slice(0, 3)], /^--out is missing/],
      [["make", "now", ...common.slice(1)], /^fulmen-rapid-gossip-sync serve/],
      [[...common, "--since", "5"], /^--since needs --history/],
      [[...common, "--since", "yesterday"], /^--since takes a whole number from 0 to 4294967295/],
      [[...common, "--version", "3"], /^--version takes a whole number from 1 to 2/],
      [[...common, "--network", "tor"], /^--network takes mainnet, /],
      [[...common, "--network", "regtest"], /chain/],
      [[...common, "--nonsense"], /nonsense/],
      [["make", "--graph", path("nowhere"), "--out", path("x")], /ENOENT/],
      [["make", "--graph", path("out"), "--out", path("x")], /./],
      [[...common, "--history", path("graph"), "--since", "1"], /not a history/],
    ];
    writeFileSync(path("out"), "not a graph");
    for (const [parameters, complaint] of cases) {
      const context = new Context();
      assert.deepEqual(await runCommand(parameters, context), { exitCode: 1 }, parameters.join(" "));
      assert.match(context.complaints.join(), complaint);
    }
    assert(!existsSync(path("x")));
  });
});

describe("fulmen-rapid-gossip-sync serve", () => {
  const interval = 3 * 3600;

  it("follows its file, and goes on where it stopped", async () => {
    const graph = sampleGraph(3, started);
    const client = emptyGraph();
    const context = new Context();
    const parameters = [
      "serve",
      "--graph",
      path("served"),
      "--port",
      "0",
      "--history",
      path("served-history"),
    ];
    const serve = async () => {
      writeFileSync(path("served"), graph.write());
      const result = await runCommand(parameters, context);
      assert("server" in result, context.complaints.join());
      const url = /http:\S+snapshot/.exec(context.said.at(-1) ?? "")?.[0] ?? "";
      return { server: result.server, url };
    };
    const first = await serve();
    assert((await syncFrom(first.url, client, context.time)).ok);
    assert.deepEqual(feesIn(client), feesIn(graph));

    context.time = (context.time + interval) as UnixSeconds;
    addChannel(graph, 3, context.time);
    writeFileSync(path("served"), graph.write());
    assert((await syncFrom(first.url, client, context.time)).ok);
    assert.deepEqual(feesIn(client), feesIn(graph));

    // A file that cannot be read changes nothing, and is told of.
    context.time = (context.time + interval) as UnixSeconds;
    writeFileSync(path("served"), "half a gra");
    assert((await syncFrom(first.url, client, context.time)).ok);
    assert.equal(context.complaints.length, 1);
    await first.server.close();

    const since = client.lastRapidGossipSync;
    context.time = (context.time + interval) as UnixSeconds;
    setFee(graph, 0, { fromNodeOne: true, feeBaseMsat: 9, time: context.time });
    const second = await serve();
    const delta = await fetch(`${second.url}/${since}`);
    const { channels, updates } = decodeRapidSnapshot(new Uint8Array(await delta.arrayBuffer()));
    assert.deepEqual([channels.length, updates.length], [0, 1]);
    assert((await syncFrom(second.url, client, context.time)).ok);
    assert.deepEqual(feesIn(client), feesIn(graph));
    await second.server.close();
  });

  it("says when its port is taken", async () => {
    writeFileSync(path("served"), sampleGraph(1, started).write());
    const context = new Context();
    const first = await runCommand(["serve", "--graph", path("served"), "--port", "0"], context);
    assert("server" in first);
    const port = /:(\d+)\//.exec(context.said.join())?.[1] ?? "";
    assert.deepEqual(await runCommand(["serve", "--graph", path("served"), "--port", port], context), {
      exitCode: 1,
    });
    assert.match(context.complaints.join(), /EADDRINUSE/);
    await first.server.close();
  });

  it("is a program that ends when it is told to", async () => {
    writeFileSync(path("served"), sampleGraph(2, started).write());
    const extension = import.meta.url.endsWith(".ts") ? "src/main.ts" : "dist/main.js";
    const program = fileURLToPath(new URL(`../${extension}`, import.meta.url));
    const parameters = ["serve", "--graph", path("served"), "--port", "0"];
    const conditions = process.execArgv.filter((argument) => argument.startsWith("--conditions"));
    const child: ChildProcess = spawn(process.execPath, [...conditions, program, ...parameters], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    assert(child.stdout !== null);
    const [line] = await once(child.stdout, "data");
    const url = /http:\S+/.exec(String(line))?.[0] ?? "";
    const answer = await fetch(url);
    assert.equal(decodeRapidSnapshot(new Uint8Array(await answer.arrayBuffer())).channels.length, 2);
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "exit"), [0, null]);
  });
});
