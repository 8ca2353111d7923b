// timeout: 180 s
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, it } from "node:test";
import { decodeAddress } from "@fulmen/bitcoin/address";
import { networks } from "@fulmen/bitcoin/network";
import { type Client, createClient } from "@fulmen/client";
import { feeratePerKw, sat } from "@fulmen/lightning/util";
import {
  begin,
  bitcoind,
  chain,
  chainUrl,
  cleanUp,
  faucet,
  freePort,
  root,
  run,
} from "./support/processes.ts";

// Types what docs/getting-started.md tells people to type, line by line, against two real daemons.

after(cleanUp);

const page = readFileSync(new URL("../../../docs/getting-started.md", import.meta.url), "utf8");
const [, session = ""] = /```console\n([\s\S]*?)```/.exec(page) ?? [];
const lines = session.split("\n").filter((line) => line !== "");

interface Tried {
  readonly env: Record<string, string>;
  readonly client: Client | undefined;
}

const nodes = new Map<string, Tried>();
const running = new Map<string, ReturnType<typeof begin>>();
/** What stands for `<...>`. */
const said = new Map<string, string>();

/** The node of a line's `--data-dir`, in a folder and at ports of its own. */
async function nodeOf(words: readonly string[]): Promise<Tried> {
  const name = words[words.indexOf("--data-dir") + 1] ?? "";
  const known = nodes.get(name);
  if (known !== undefined) return known;
  const port = await freePort();
  const env = {
    FULMEN_API_PORT: String(port),
    FULMEN_LISTEN_PORT: String(await freePort()),
    FULMEN_CHAIN_URL: chainUrl,
    FULMEN_CHAIN_USER: "fulmen",
    FULMEN_CHAIN_PASSWORD: "secret",
  };
  nodes.set(name, { env, client: undefined });
  return { env, client: undefined };
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** What `bitcoin-cli` would do; resolves when all nodes have seen it, as people wait. */
async function bitcoinCli([network, command, ...words]: readonly string[]): Promise<void> {
  assert.equal(network, "-regtest");
  const clients = [...nodes.values()].flatMap(({ client }) => client ?? []);
  if (command === "sendtoaddress") {
    const [address = "", bitcoins] = words;
    const output = {
      value: sat(BigInt(Math.round(Number(bitcoins) * 1e8))),
      script: decodeAddress(address, networks.regtest),
    };
    assert.ok(chain.submit(faucet.fund(chain, [output], feeratePerKw(1_000))).ok);
    return;
  }
  assert.equal(command, "-generate");
  const opening = clients[0] && (await clients[0].channels()).channels[0]?.phase === "opening";
  if (opening) await until(async () => chain.mempool.length > 0);
  chain.mine(Number(words[0]));
  bitcoind.update();
  await until(async () => {
    const infos = await Promise.all(clients.map((client) => client.info()));
    return infos.every(
      (info) => info.chain.height === chain.tip.height && (!opening || info.channels.usable === 1),
    );
  });
}

/** What a command said that a later one needs. */
function remember(words: readonly string[], out: string): void {
  const [command] = words;
  if (command === "receive")
    said.set(words.includes("--onchain") ? "address" : "invoice", out.trim().split("\n")[0] ?? "");
  if (command === "info") said.set("bob's address", /address +(\S+@\S+)/.exec(out)?.[1] ?? "");
  if (command === "channels") said.set("channel", /^([0-9a-f]{16}) /m.exec(out)?.[1] ?? "");
}

async function type(line: string): Promise<void> {
  const filled = line.replace(
    /<([^>]+)>/g,
    (_, name: string) => said.get(name) || assert.fail(`${name}: ${line}`),
  );
  const [program, ...words] = filled.replace(/^\$ /, "").split(" ");
  if (program === "bitcoin-cli") return bitcoinCli(words);
  assert.equal(program, "fulmen", line);
  const { env } = await nodeOf(words);
  const at = words.indexOf("--data-dir") + 1;
  const name = words[at] ?? "";
  const folder = join(root, name);
  const parameters = words.with(at, folder);
  if (parameters.at(-1) === "&") {
    const daemon = begin(parameters.slice(0, -1), { env });
    await daemon.seen("Ready.");
    const token = readFileSync(join(folder, "cli.token"), "utf8").trim();
    const client = createClient({ url: `http://127.0.0.1:${env["FULMEN_API_PORT"]}`, token });
    nodes.set(name, { env, client });
    running.set(name, daemon);
    return;
  }
  const { code, out, err } = await run(parameters, { env });
  assert.equal(code, 0, `${line}\n${err}`);
  remember(words, out);
  if (words[0] === "pay") assert.match(out, /^Paid 2,500 sat/);
  if (words[0] === "balance") assert.match(out, /Lightning +2,500 sat/);
  if (words[0] === "ledger") assert.match(out, /\d+ sat/);
}

it("the session of docs/getting-started.md does what it says", async () => {
  assert.ok(lines.length > 15 && lines.every((line) => line.startsWith("$ ")), session);
  for (const line of lines) await type(line);
  for (const [name, daemon] of running) assert.equal((await daemon.ended).code, 0, name);
});
