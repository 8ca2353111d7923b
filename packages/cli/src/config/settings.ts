/** What a setting's value is. */
export type SettingKind =
  | { readonly kind: "text" }
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  | { readonly kind: "integer"; readonly least: number; readonly most: number }
  | { readonly kind: "flag" }
  | { readonly kind: "list" };

/** A setting: its name in the file, and what it means. */
export interface Setting {
  /** With dots: `api.port` is `{"api": {"port": ...}}` in the file and `FULMEN_API_PORT` in the environment. */
  readonly name: string;
  readonly value: SettingKind;
  /** Whether the text, or each of the list, is a path: one that is not a full one begins at the config's folder. */
  readonly isPath?: boolean;
  readonly meaning: string;
  /** In words, where there is one. */
  readonly byDefault?: string;
}

const port: SettingKind = { kind: "integer", least: 0, most: 65_535 };
/** Up to 21 million bitcoin. */
const satoshis: SettingKind = { kind: "integer", least: 0, most: 2_100_000_000_000_000 };
const channelCount: SettingKind = { kind: "integer", least: 0, most: 100_000 };
const satPerVbyte: SettingKind = { kind: "integer", least: 1, most: 1_000 };
const text: SettingKind = { kind: "text" };
const flag: SettingKind = { kind: "flag" };
const list: SettingKind = { kind: "list" };
const choice = (...choices: readonly string[]): SettingKind => ({ kind: "choice", choices });

/** All settings, in the order of the docs. */
export const settings: readonly Setting[] = [
  {
    name: "network",
    value: choice("mainnet", "testnet4", "signet", "regtest"),
    meaning: "The Bitcoin network. Fixed once the node has a store.",
  },
  { name: "alias", value: text, meaning: "The node's name, up to 32 bytes, told to the network." },
  {
    name: "chain.source",
    value: choice("bitcoind", "esplora", "electrum"),
    meaning: "Where the chain is heard of.",
  },
  {
    name: "chain.url",
    value: text,
    meaning: "`http://127.0.0.1:8332`, `https://host/api` or `tls://host:50002`, by the source.",
    byDefault: "of bitcoind: this machine, at the network's port",
  },
  { name: "chain.user", value: text, meaning: "bitcoind's `rpcuser`." },
  { name: "chain.password", value: text, meaning: "bitcoind's `rpcpassword`." },
  {
    name: "chain.cookieFile",
    value: text,
    isPath: true,
    meaning: "bitcoind's `.cookie`, instead of user and password.",
    byDefault: "where bitcoind puts it for this network",
  },
  {
    name: "chain.further",
    value: list,
    meaning:
      "Others that are asked for feerates and given broadcasts, too, and tell of blocks while the first does not: `esplora https://host/api`, `electrum tls://host:50002`, `bitcoind http://user:password@host:8332`.",
    byDefault: "none",
  },
  {
    name: "fees.most",
    value: satPerVbyte,
    meaning:
      "Satoshis per virtual byte that are paid at the most, whatever chain sources say, for what can wait some blocks: payments to addresses, openings, sweeps of what nobody contests.",
    byDefault: "200",
  },
  {
    name: "forwarding.toPrivateChannels",
    value: flag,
    meaning:
      "Whether payments of others may leave by channels that are not announced. Peers with such a channel are paid through this node only then, but by the node itself.",
    byDefault: "false",
  },
  {
    name: "storage.kind",
    value: choice("sqlite", "files", "postgres"),
    meaning: "Where the node keeps its records.",
    byDefault: "sqlite",
  },
  {
    name: "storage.path",
    value: text,
    isPath: true,
    meaning: "The file of `sqlite`, or the folder of `files`.",
    byDefault: "in the data folder",
  },
  {
    name: "storage.encrypted",
    value: flag,
    meaning: "Whether values are encrypted, by a key of the seed. An existing store: `fulmen store move`.",
    byDefault: "false",
  },
  { name: "storage.url", value: text, meaning: "Of PostgreSQL: `postgres://user:password@host/database`." },
  {
    name: "storage.node",
    value: text,
    meaning:
      "Which of the nodes that share a PostgreSQL database this is. Hosts with the same name stand by for one another.",
    byDefault: "fulmen",
  },
  {
    name: "backup.files",
    value: list,
    isPath: true,
    meaning:
      "Where the static channel backup is kept, encrypted by the seed: best on another disk. An empty list: with the peers alone.",
    byDefault: "`channels.backup` in the data folder",
  },
  { name: "listen.enabled", value: flag, meaning: "Whether peers can connect.", byDefault: "true" },
  {
    name: "listen.host",
    value: text,
    meaning: "`0.0.0.0` and `::` are all interfaces.",
    byDefault: "127.0.0.1",
  },
  {
    name: "listen.port",
    value: port,
    meaning: "Where peers connect.",
    byDefault: "9735 on mainnet; see below",
  },
  {
    name: "inboundChannels.accept",
    value: flag,
    meaning: "Whether peers may open channels with the node.",
    byDefault: "true",
  },
  {
    name: "inboundChannels.minFunding",
    value: satoshis,
    meaning: "Smaller ones are refused; in satoshis.",
    byDefault: "1,000",
  },
  {
    name: "inboundChannels.maxFunding",
    value: satoshis,
    meaning: "Larger ones are refused; in satoshis.",
    byDefault: "none",
  },
  {
    name: "inboundChannels.maxPerPeer",
    value: channelCount,
    meaning: "Open channels with one peer at the most.",
    byDefault: "4",
  },
  {
    name: "inboundChannels.maxTotal",
    value: channelCount,
    meaning: "Open channels that peers opened, in all.",
    byDefault: "500",
  },
  {
    name: "inboundChannels.withoutReserve",
    value: flag,
    meaning:
      "Whether channels are taken before the wallet has the coins to defend them: so a node that has received nothing yet gets its first. Until it has coins, the peer may win what a late close loses.",
    byDefault: "false",
  },
  {
    name: "inboundChannels.trustedPeers",
    value: list,
    meaning:
      "Ids of nodes whose channels are used before their funding is confirmed: each can take all that was received over them.",
    byDefault: "none",
  },
  {
    name: "tor.socks",
    value: text,
    meaning:
      "Tor's SOCKS5 port, as `127.0.0.1:9050`: onion addresses are reached through it, and nothing else.",
    byDefault: "none",
  },
  {
    name: "tor.everything",
    value: flag,
    meaning: "Whether all peers and servers are reached through Tor; bitcoind is asked directly.",
    byDefault: "false",
  },
  { name: "announceAddresses", value: list, meaning: "`host:port` under which others reach the node." },
  {
    name: "gossip",
    value: text,
    meaning: "`peer-to-peer`, `none`, or the URL of a server of rapid gossip sync.",
    byDefault: "peer-to-peer",
  },
  {
    name: "birthday",
    value: { kind: "integer", least: 0, most: 100_000_000 },
    meaning: "The height from which the chain is searched for the wallet's coins.",
    byDefault: "what a backup says that the node is restored from, or the tip at the first start",
  },
  { name: "api.host", value: text, meaning: "Where the HTTP API listens.", byDefault: "127.0.0.1" },
  {
    name: "api.port",
    value: port,
    meaning: "Port of the HTTP API.",
    byDefault: "9734 on mainnet; see below",
  },
  { name: "api.tls.certificate", value: text, isPath: true, meaning: "A PEM file." },
  { name: "api.tls.key", value: text, isPath: true, meaning: "A PEM file." },
  {
    name: "api.allowPublicWithoutTls",
    value: flag,
    meaning: "For those who have a proxy with TLS in front.",
    byDefault: "false",
  },
  { name: "api.corsOrigins", value: list, meaning: "Origins whose pages may ask.", byDefault: "none" },
  {
    name: "api.dashboard",
    value: text,
    isPath: true,
    meaning: "A folder with a page to serve at `/`, instead of the dashboard.",
  },
  {
    name: "log.level",
    value: choice("debug", "info", "warn", "error"),
    meaning: "What is logged.",
    byDefault: "info",
  },
  { name: "log.console", value: flag, meaning: "Log to the standard output, too.", byDefault: "false" },
  {
    name: "developer.forwardAtOnce",
    value: flag,
    meaning: "HTLCs are decided at once. Refused on mainnet.",
    byDefault: "false",
  },
  {
    name: "developer.reconnectDelay",
    value: { kind: "integer", least: 1, most: 60_000 },
    meaning: "Milliseconds before a lost peer is tried again. Refused on mainnet.",
  },
  {
    name: "developer.pollInterval",
    value: { kind: "integer", least: 1, most: 60_000 },
    meaning:
      "Milliseconds between two looks at the chain; of bitcoind, at its mempool: blocks it tells at once. Refused on mainnet.",
  },
  {
    name: "developer.nodeKey",
    value: text,
    meaning: "The node's private key, 64 hex digits, in place of the seed's. Refused on mainnet.",
  },
  {
    name: "developer.channelSecrets",
    value: list,
    meaning:
      "The secrets of every channel, 64 hex digits each: funding key, the basepoints' secrets for revocation, payment, delayed payment and HTLCs, the seed of the commitments' secrets. Refused on mainnet.",
  },
  {
    name: "developer.minimumDepth",
    value: { kind: "integer", least: 1, most: 100 },
    meaning: "Confirmations that are asked for of channels that peers open. Refused on mainnet.",
    byDefault: "6",
  },
];

/** The environment variable of a setting: `FULMEN_API_TLS_KEY`. */
export function environmentName(name: string): string {
  return `FULMEN_${name
    .replaceAll(".", "_")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toUpperCase()}`;
}
