import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { text as readAll } from "node:stream/consumers";
import { generateSeedWords, Node, type NodeNetwork } from "@fulmen/node";
import { TokenFile } from "@fulmen/server";
import { CliError, exitCodes } from "../cliError.ts";
import { daemonConfig } from "../config/daemonConfig.ts";
import { readConfig } from "../config/readConfig.ts";
import { dataFolder } from "../daemon/dataFolder.ts";
import { writeSeed } from "../daemon/seedFile.ts";
import { askPassphrase } from "../output/passphrase.ts";
import { say } from "../output/terminal.ts";

/** What `fulmen init` is told. */
export interface InitOptions {
  readonly dataDir?: string;
  readonly network?: string;
  readonly chain?: string;
  readonly chainUrl?: string;
  readonly alias?: string;
  /** Words come from the standard input. */
  readonly restore?: boolean;
  readonly encrypt?: boolean;
  /** Of the seed: 12, or 24. */
  readonly words?: string;
}

/** Makes the data folder of a new node: config, seed, and a token for the commands on this machine. */
export async function init(options: InitOptions): Promise<void> {
  const folder = dataFolder(options.dataDir);
  for (const path of [folder.seed, folder.config]) {
    if (!existsSync(path)) continue;
    throw new CliError(
      "already-there",
      exitCodes.config,
      `${path} is there already: this folder has a node.`,
      "Start it with `fulmen start`, or name another folder with --data-dir.",
    );
  }
  const { network } = options;
  if (network === undefined)
    throw new CliError(
      "network-missing",
      exitCodes.usage,
      "It is not said which network the node is for.",
      "Add --network mainnet, testnet4, signet or regtest. Do not begin with mainnet.",
    );
  const words =
    options.restore === true ? await wordsFromInput() : generateSeedWords(options.words === "24" ? 24 : 12);
  mkdirSync(folder.path, { recursive: true, mode: 0o700 });
  writeFileSync(folder.config, configText(options, network), { mode: 0o600, flag: "wx" });
  try {
    checkSeed(words, daemonConfig(readConfig(folder.config, process.env)).network);
    writeSeed(folder.seed, words, options.encrypt === true ? await newPassphrase() : undefined);
  } catch (error) {
    rmSync(folder.config);
    throw error;
  }
  const { text } = new TokenFile(folder.tokens).create({ name: "cli", scopes: ["admin"] });
  writeFileSync(folder.ownToken, `${text}\n`, { mode: 0o600 });
  say(`A node for ${network} is in ${folder.path}.`);
  if (options.restore !== true) {
    say();
    say("Its seed. Write it on paper now: it is shown this once, and whoever has it has the money.");
    say();
    for (const [index, word] of words.split(" ").entries())
      say(`  ${String(index + 1).padStart(2)}. ${word}`);
    say();
    say("The seed brings back coins on chain. Channels need a backup, too: docs/daemon.md.");
  }
  say(`Look at ${folder.config}, then: fulmen start`);
}

function configText({ chain, chainUrl, alias }: InitOptions, network: string): string {
  const value = (text: string): string => JSON.stringify(text);
  return [
    "{",
    "  // All settings are in docs/daemon.md.",
    `  "network": ${value(network)},`,
    ...(alias === undefined ? [] : [`  "alias": ${value(alias)},`]),
    "  // bitcoind, esplora or electrum.",
    `  "chain": { "source": ${value(chain ?? "bitcoind")}${chainUrl === undefined ? "" : `, "url": ${value(chainUrl)}`} }`,
    "}",
    "",
  ].join("\n");
}

/** Throws `invalid-seed` for what is none: the node's own check. */
function checkSeed(seed: string, network: NodeNetwork): void {
  new Node({ network, seed, storage: "memory", chain: { esplora: { url: "http://127.0.0.1" } } });
}

async function wordsFromInput(): Promise<string> {
  if (process.stdin.isTTY) say("Type the words of the seed, then Enter and Ctrl-D:");
  return (await readAll(process.stdin)).trim().toLowerCase().split(/\s+/).join(" ");
}

async function newPassphrase(): Promise<string> {
  return process.env["FULMEN_SEED_PASSPHRASE"] ?? askPassphrase("A passphrase for the seed file");
}
