import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { text as readAll } from "node:stream/consumers";
import { generateSeedWords, Node, readBackup } from "@fulmen/node";
import { TokenFile } from "@fulmen/server";
import { CliError, exitCodes } from "../cliError.ts";
import { daemonConfig } from "../config/daemonConfig.ts";
import { readConfig } from "../config/readConfig.ts";
import { type DataFolder, dataFolder } from "../daemon/dataFolder.ts";
import { keepRestoreSource, restoreSource } from "../daemon/restoreSource.ts";
import { writeSeed } from "../daemon/seedFile.ts";
import { seedPassphrase } from "../output/passphrase.ts";
import { say } from "../output/terminal.ts";
import { sayBackup } from "./checkBackup.ts";

/** What `fulmen init` is told. */
export interface InitOptions {
  readonly dataDir?: string;
  readonly network?: string;
  readonly chain?: string;
  readonly chainUrl?: string;
  readonly alias?: string;
  readonly port?: string;
  readonly apiPort?: string;
  /** Words come from the standard input. */
  readonly restore?: boolean;
  /** With `restore`: a file with a static channel backup. */
  readonly backup?: string;
  /** With `restore`: peers that keep one. */
  readonly peers?: string;
  /** With `restore`: the height from which the wallet's coins are looked for. */
  readonly birthday?: string;
  readonly encrypt?: boolean;
  /** Of the seed: 12, or 24. */
  readonly words?: string;
}

/** Makes the data folder of a new node: config, seed, and a token for the commands on this machine. */
export async function init(options: InitOptions): Promise<void> {
  const folder = dataFolder(options.dataDir);
  expectNoNode(folder);
  const network = networkOf(options);
  const source = restoreSource(options);
  const words = options.restore
    ? await wordsFromInput()
    : generateSeedWords(options.words === "24" ? 24 : 12);
  mkdirSync(folder.path, { recursive: true, mode: 0o700 });
  writeFileSync(folder.config, configText(options, network), { mode: 0o600, flag: "wx" });
  try {
    checkNode(folder, words, source);
    if (source !== undefined) keepRestoreSource(folder, source);
    const passphrase = options.encrypt ? await seedPassphrase("A passphrase for the seed file") : undefined;
    writeSeed(folder.seed, words, passphrase);
  } catch (error) {
    for (const path of [folder.config, folder.restoreBackup, folder.restorePeers])
      rmSync(path, { force: true });
    throw error;
  }
  const { text } = new TokenFile(folder.tokens).create({ name: "cli", scopes: ["admin"] });
  writeFileSync(folder.ownToken, `${text}\n`, { mode: 0o600 });
  say(`A node for ${network} is in ${folder.path}.`);
  if (!options.restore) saySeed(words);
  else if (source === undefined) {
    say("Coins on chain come back, channels do not: add --backup or --peers for those.");
    if (options.birthday === undefined)
      say("Coins from before today are found only with `birthday` in the config.");
  }
  if (network === "mainnet")
    say(
      "Nobody has reviewed Fulmen yet: put no more on it than you can lose, and read docs/mainnet.md before.",
    );
  const where = options.dataDir === undefined ? "" : ` --data-dir ${options.dataDir}`;
  say(`Look at ${folder.config}, then: fulmen start${where}`);
}

function expectNoNode(folder: DataFolder): void {
  const path = [folder.seed, folder.config].find((one) => existsSync(one));
  if (path === undefined) return;
  throw new CliError(
    "already-there",
    exitCodes.config,
    `${path} is there already: this folder has a node.`,
    "Start it with `fulmen start`, or name another folder with --data-dir.",
  );
}

/** The network that is named; refuses options that do not go together. */
function networkOf({ network, restore = false, backup, peers, birthday }: InitOptions): string {
  if (network === undefined)
    throw new CliError(
      "network-missing",
      exitCodes.usage,
      "It is not said which network the node is for.",
      "Add --network mainnet, testnet4, signet or regtest. Do not begin with mainnet.",
    );
  if (!restore && (backup ?? peers ?? birthday) !== undefined)
    throw new CliError(
      "usage",
      exitCodes.usage,
      "A new node has nothing that could be restored.",
      "Add --restore, or leave out --backup, --peers and --birthday.",
    );
  return network;
}

/** The node's own checks, of the config, the seed and what it is restored from. */
function checkNode(folder: DataFolder, seed: string, source: ReturnType<typeof restoreSource>): void {
  const { network, chain } = daemonConfig(readConfig(folder.config, process.env));
  // Nothing is opened or written: that is for the start.
  const storage = { sqlite: folder.sqlite };
  new Node({ network, seed, storage, chain, ...(source && { restoreFrom: source }) });
  if (source instanceof Uint8Array) sayBackup(readBackup(source, { network, seed }));
}

function saySeed(words: string): void {
  say();
  say("Its seed. Write it on paper now: it is shown this once, and whoever has it has the money.");
  say();
  for (const [index, word] of words.split(" ").entries()) say(`  ${String(index + 1).padStart(2)}. ${word}`);
  say();
  say("The seed brings back coins on chain. Channels need a backup, too: docs/backup.md.");
}

function configText(options: InitOptions, network: string): string {
  const { chain, chainUrl, alias, port, apiPort, birthday } = options;
  const value = (text: string): string => JSON.stringify(text);
  // What is no number is refused with the name of its setting.
  const number = (text: string): string => (/^[0-9]+$/.test(text) ? String(Number(text)) : value(text));
  return [
    "{",
    "  // All settings are in docs/daemon.md.",
    `  "network": ${value(network)},`,
    ...(alias === undefined ? [] : [`  "alias": ${value(alias)},`]),
    ...(birthday === undefined ? [] : [`  "birthday": ${number(birthday)},`]),
    ...(port === undefined ? [] : [`  "listen": { "port": ${number(port)} },`]),
    ...(apiPort === undefined ? [] : [`  "api": { "port": ${number(apiPort)} },`]),
    "  // bitcoind, esplora or electrum.",
    `  "chain": { "source": ${value(chain ?? "bitcoind")}${chainUrl === undefined ? "" : `, "url": ${value(chainUrl)}`} }`,
    "}",
    "",
  ].join("\n");
}

async function wordsFromInput(): Promise<string> {
  if (process.stdin.isTTY) say("Type the words of the seed, then Enter and Ctrl-D:");
  return (await readAll(process.stdin)).trim().toLowerCase().split(/\s+/).join(" ");
}
