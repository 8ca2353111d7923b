// timeout: 180 s
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const patience = 60_000;

/** The playground as a person runs it. */
class Playground {
  readonly #process: ChildProcessWithoutNullStreams;
  #output = "";
  #read = 0;

  constructor(...args: readonly string[]) {
    const conditions = process.execArgv.filter((argument) => argument.startsWith("--conditions"));
    this.#process = spawn(process.execPath, [...conditions, main, ...args], { stdio: "pipe" });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#output += text;
      });
    }
  }

  get output(): string {
    return this.#output;
  }

  /** Waits for something in what was not read yet. */
  async see(pattern: RegExp): Promise<RegExpExecArray> {
    const end = performance.now() + patience;
    for (;;) {
      const found = pattern.exec(this.#output.slice(this.#read));
      if (found !== null) {
        this.#read += found.index + found[0].length;
        return found;
      }
      if (performance.now() > end || this.#process.exitCode !== null) {
        throw new Error(`not seen: ${pattern}\n${this.#output.slice(this.#read)}`);
      }
      await setTimeout(20);
    }
  }

  async type(line: string, answer: RegExp): Promise<RegExpExecArray> {
    this.#process.stdin.write(`${line}\n`);
    return this.see(answer);
  }

  /** Types all lines at once, and ends the input. */
  say(lines: readonly string[]): void {
    this.#process.stdin.end(lines.map((line) => `${line}\n`).join(""));
  }

  async end(): Promise<number | null> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode === null && signalCode === null) await once(this.#process, "exit");
    return this.#process.exitCode;
  }

  /** Ends the playground's own process, as Ctrl-C or a crash would; its nodes are left to themselves. */
  kill(signal: "SIGINT" | "SIGKILL" = "SIGKILL"): void {
    this.#process.kill(signal);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("npm start -- --once tells the whole story, accounts for every satoshi and ends", async (t) => {
  const playground = new Playground("--once");
  t.after(() => playground.kill());
  assert.equal(await playground.end(), 0, playground.output);
  assert.match(playground.output, /alice paid it by way of bob/);
  assert.match(playground.output, /temporary_channel_failure at channel/);
  assert.match(playground.output, /killed with SIGKILL/);
  assert.match(playground.output, /alice's payment has settled/);
  assert.match(playground.output, /nothing was closed/);
  assert.match(playground.output, /publishes his commitment with a child that pays for it/);
  assert.match(playground.output, /bob waits for 80,000 sat: contentious-claimable, until height/);
  assert.match(playground.output, /her payment is sent/);
  assert.match(playground.output, /takes all of it before its delay is over/);
  assert.match(playground.output, /cheating has cost carol her 20,000 sat/);
  assert.match(playground.output, /every one of 6,000,000 sat is accounted for/);
});

test("the prompt opens, pays, kills, restarts and closes, and survives whatever is typed", async (t) => {
  const playground = new Playground();
  t.after(() => playground.kill());
  const [, dashboard = ""] = await playground.see(/bob +(http:\S+)/);
  await playground.see(/Type "help"/);
  const { origin, hash } = new URL(dashboard);
  assert.match(await (await fetch(origin)).text(), /dashboard\.js/);
  const info = async (): Promise<{ alias: string; phase: string }> => {
    const headers = { authorization: `Bearer ${hash.slice("#token=".length)}` };
    return (await (await fetch(`${origin}/v1/info`, { headers })).json()) as { alias: string; phase: string };
  };
  const { alias, phase } = await info();
  assert.deepEqual({ alias, phase }, { alias: "bob", phase: "running" });
  await playground.type("help", /restart NODE/);
  await playground.type("dance", /no command "dance"/);
  await playground.type("open alice", /Which node/);
  await playground.type("open alice mallory 5", /no node mallory/);
  await playground.type("open alice bob -5", /Not a whole number/);
  await playground.type("open alice bob 99000000", /sat must be confirmed in the wallet/);
  await playground.type("pay alice lnbcrt1nonsense", /nothing that can be paid/);
  const [, channel = ""] = await playground.type(
    "open alice bob 200000 static",
    /channel (\w+)… of 200,000 sat is ready/,
  );
  const [invoice] = await playground.type("invoice bob 5,000 tea for two", /lnbcrt\w+/);
  await playground.type(`pay alice ${invoice}`, /paid, with a fee of 0 sat/);
  await playground.type("kill bob", /bob is dead/);
  await playground.type("kill bob", /not running/);
  await playground.type("balances", /bob is not running[\s\S]*the faucet gave/);
  await assert.rejects(info);
  await playground.type("restart bob", /back with \d+ channels/);
  assert.equal((await info()).phase, "running", "at the same address after a restart");
  await playground.type(`close alice ${channel}`, /closed: locally-initiated-cooperative-closure/);
  const [, second = ""] = await playground.type("open alice bob 200000", /channel (\w+)… of 200,000 sat/);
  await playground.type(`force-close bob ${second}`, /bob's commitment is in block \d+/);
  await playground.type("balances", /the faucet gave/);
  await playground.type("mine 3", /height \d+/);
  await playground.type("quit", /$/);
  assert.equal(await playground.end(), 0, playground.output);
});

test("input that ends is obeyed to its last line, and then the playground ends", async (t) => {
  const playground = new Playground();
  t.after(() => playground.kill());
  playground.say(["open bob alice 50000", "invoice alice 1", "mine 2", "balances"]);
  assert.equal(await playground.end(), 0, playground.output);
  assert.match(
    playground.output,
    /of 50,000 sat is ready[\s\S]*lnbcrt10n1\w+[\s\S]*height \d+[\s\S]*bob .* alice .* usable[\s\S]*the faucet gave/,
  );
});

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGKILL", null],
] as const) {
  test(`nothing stays behind after ${signal}: no process, no file`, async (t) => {
    const playground = new Playground();
    t.after(() => playground.kill());
    const [, folder = ""] = await playground.see(/all they write is in (\S+),/);
    await playground.see(/the channels are ready/);
    const pids = [...playground.output.matchAll(/ pid (\d+)/g)].map(([, pid]) => Number(pid));
    assert.equal(pids.length, 4);
    assert.ok(existsSync(folder) && pids.every(isAlive));
    playground.kill(signal);
    assert.equal(await playground.end(), code);
    const end = performance.now() + 10_000;
    while ((existsSync(folder) || pids.some(isAlive)) && performance.now() < end) await setTimeout(20);
    assert.deepEqual({ folder: existsSync(folder), pids: pids.filter(isAlive) }, { folder: false, pids: [] });
  });
}

test("an option that does not exist is refused with those that do", async () => {
  const playground = new Playground("--twice");
  assert.equal(await playground.end(), 1);
  assert.match(playground.output, /Use: npm start -- \[--once\] \[--verbose\]/);
});
