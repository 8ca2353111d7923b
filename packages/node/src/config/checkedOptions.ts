import { crypto } from "@fulmen/bitcoin/crypto";
import { networks } from "@fulmen/bitcoin/network";
import { defaultUserConfig, type UserConfig } from "@fulmen/lightning/channel";
import { type ErrorDetails, NodeError } from "../api/nodeError.ts";
import type { DevelopmentOptions, NodeNetwork, NodeOptions } from "../api/options.ts";
import { hostAndPort, parsePeer } from "../peers/index.ts";

const knownOptions: Readonly<Record<keyof NodeOptions, true>> = {
  network: true,
  seed: true,
  passphrase: true,
  crossNodeSeed: true,
  storage: true,
  chain: true,
  furtherChains: true,
  maxFeerate: true,
  listen: true,
  tor: true,
  announceAddresses: true,
  alias: true,
  config: true,
  inboundChannels: true,
  gossip: true,
  birthday: true,
  retention: true,
  backupFiles: true,
  backupPlaces: true,
  backupAtPeers: true,
  restoreFrom: true,
  logger: true,
  development: true,
};
const nodeNetworks: readonly NodeNetwork[] = ["mainnet", "testnet4", "signet", "regtest"];
const longestAlias = 32;

/** Throws `invalid-option` that names the option and says what it may be; a name that is misspelt gets a suggestion. */
export function checkOptions(options: NodeOptions): void {
  for (const name of Object.keys(options)) {
    if (name in knownOptions) continue;
    const nearest = nearestTo(name, Object.keys(knownOptions));
    refuse(name, `there is no option ${name}`, nearest ? `did you mean ${nearest}?` : "leave it out");
  }
  const { network, alias, birthday, listen, development, storage, chain } = options;
  if (!nodeNetworks.includes(network)) {
    const nearest = nearestTo(String(network), nodeNetworks);
    const remedy = `use one of ${nodeNetworks.join(", ")}${nearest ? `: did you mean ${nearest}?` : ""}`;
    refuse("network", `there is no network ${String(network)}`, remedy);
  }
  if (alias !== undefined && new TextEncoder().encode(alias).length > longestAlias) {
    refuse("alias", `the alias is longer than ${longestAlias} bytes`, "choose a shorter one");
  }
  if (birthday !== undefined && !(Number.isSafeInteger(birthday) && birthday >= 0 && birthday < 2 ** 31)) {
    refuse(
      "birthday",
      `a birthday of ${birthday} is no height of a block`,
      "give the height of a block, or leave it out",
    );
  }
  const { maxFeerate } = options;
  if (maxFeerate !== undefined && !(Number.isSafeInteger(maxFeerate) && maxFeerate >= 1)) {
    refuse(
      "maxFeerate",
      `nothing pays ${maxFeerate} sat/vB`,
      "give a whole number from 1 on, or leave it out",
    );
  }
  const shared = options.crossNodeSeed;
  if (shared !== undefined && shared.length !== 32) {
    refuse(
      "crossNodeSeed",
      `a cross-node seed of ${shared.length} bytes`,
      "give the same 32 random bytes to each node",
    );
  }
  for (const address of options.announceAddresses ?? []) hostAndPort(address);
  const { restoreFrom } = options;
  if (restoreFrom !== undefined && !(restoreFrom instanceof Uint8Array)) {
    const { peers } = restoreFrom;
    if (!Array.isArray(peers) || peers.length === 0) {
      refuse("restoreFrom", "it names no peers and is no backup", "give the backup's bytes, or peers to ask");
    }
    for (const peer of peers) parsePeer(peer);
  }
  const port = listen?.port;
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 0xffff)) {
    refuse(
      "listen.port",
      `there is no port ${port}`,
      "give a port from 1 to 65535, or 0 for one that is free",
    );
  }
  if (development !== undefined) checkDevelopment(development, network);
  if (storage === "memory" && network === "mainnet") {
    refuse(
      "storage",
      "a store in memory loses all channels when the process ends",
      "use { sqlite: path } on mainnet",
    );
  }
  if (storage === undefined)
    refuse("storage", "there is no store", 'use { sqlite: path }, or "memory" for tests');
  if (chain === undefined)
    refuse("chain", "there is no chain source", "name a bitcoind, esplora or electrum server");
}

/** The core's name of a node's network. */
export function networkOf(network: NodeNetwork) {
  return networks[network];
}

/** The defaults of LDK with what the user changed. */
export function userConfig({ config, development }: Pick<NodeOptions, "config" | "development">): UserConfig {
  const changed = { ...defaultUserConfig, ...config };
  const minimumDepth = development?.minimumDepth;
  if (minimumDepth === undefined) return changed;
  return { ...changed, channelHandshakeConfig: { ...changed.channelHandshakeConfig, minimumDepth } };
}

/** Throws `invalid-request` for what only protocol tests may do. */
export function refuseOnMainnet(network: NodeNetwork, what: string): void {
  if (network !== "mainnet") return;
  throw new NodeError("invalid-request", `${what} is for protocol tests, and not on mainnet`, {
    remedy: "use another network",
  });
}

function checkDevelopment(development: DevelopmentOptions, network: NodeNetwork): void {
  if (network === "mainnet")
    refuse("development", "options for development are not for real money", "leave them out on mainnet");
  const { nodeKey, channelSecrets, minimumDepth } = development;
  const { commitmentSeed, ...keys } = channelSecrets ?? {};
  for (const [name, key] of Object.entries({ nodeKey, ...keys })) {
    if (key !== undefined && !crypto().isPrivateKey(key))
      refuse(`development.${name}`, `${name} is no private key`, "give 32 bytes that are one");
  }
  if (commitmentSeed !== undefined && commitmentSeed.length !== 32)
    refuse("development.channelSecrets", "the commitment seed is not 32 bytes", "give 32 bytes");
  if (minimumDepth !== undefined && !(Number.isInteger(minimumDepth) && minimumDepth >= 1))
    refuse("development.minimumDepth", `a depth of ${minimumDepth} is none`, "give a number from 1 on");
}

function refuse(option: string, message: string, remedy: string): never {
  const details: ErrorDetails = { option };
  throw new NodeError("invalid-option", message, { remedy, details });
}

/** The name that is fewest changes away, if they are few. */
function nearestTo(text: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, distance: distance(text.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= 3 ? best.name : undefined;
}

function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 3) return 4;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 4;
}
