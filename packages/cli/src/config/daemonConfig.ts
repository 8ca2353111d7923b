import { homedir } from "node:os";
import { join } from "node:path";
import type {
  ChainOption,
  DevelopmentOptions,
  GossipOption,
  InboundChannelPolicy,
  NodeNetwork,
  TorOption,
} from "@fulmen/node";
import type { LogLevel } from "@fulmen/server";
import { misfit } from "../cliError.ts";
import { developerConfig } from "./developerConfig.ts";
import { inboundConfig } from "./inboundConfig.ts";
import type { ConfigValues } from "./readConfig.ts";
import { type StorageConfig, storageConfig } from "./storageConfig.ts";

/** The ports of a network, so that nodes of several fit on one machine. */
const defaultPorts: Readonly<
  Record<
    NodeNetwork,
    { readonly peers: number; readonly api: number; readonly bitcoind: number; readonly folder: string }
  >
> = {
  mainnet: { peers: 9735, api: 9734, bitcoind: 8332, folder: "" },
  testnet4: { peers: 49735, api: 49734, bitcoind: 48332, folder: "testnet4" },
  signet: { peers: 39735, api: 39734, bitcoind: 38332, folder: "signet" },
  regtest: { peers: 19735, api: 19734, bitcoind: 18443, folder: "regtest" },
};

/** How a daemon is to be, with all that was left out filled in. */
export interface DaemonConfig {
  readonly network: NodeNetwork;
  readonly alias?: string;
  readonly chain: ChainOption;
  readonly furtherChains: readonly ChainOption[];
  readonly maxFeerate?: number;
  /** Whether payments of others may leave by channels that are not announced. */
  readonly forwardsToPrivateChannels: boolean;
  readonly storage: StorageConfig;
  readonly listen?: { readonly host: string; readonly port: number };
  readonly inboundChannels?: InboundChannelPolicy;
  readonly tor?: TorOption;
  /** Absent: the data folder's own. */
  readonly backupFiles?: readonly string[];
  readonly announceAddresses: readonly string[];
  readonly gossip: GossipOption;
  readonly birthday?: number;
  readonly api: {
    readonly host: string;
    readonly port: number;
    /** Paths. */
    readonly tls?: { readonly certificate: string; readonly key: string };
    readonly allowPublicWithoutTls: boolean;
    readonly corsOrigins: readonly string[];
    readonly dashboard?: string;
  };
  readonly log: { readonly level: LogLevel; readonly console: boolean };
  readonly development?: DevelopmentOptions;
}

/** What the values of a config mean together. Throws `CliError` where they do not fit. */
export function daemonConfig(values: ConfigValues): DaemonConfig {
  const text = (name: string): string | undefined => {
    const value = values.get(name);
    return typeof value === "string" ? value : undefined;
  };
  const number = (name: string): number | undefined => {
    const value = values.get(name);
    return typeof value === "number" ? value : undefined;
  };
  const isSet = (name: string, byDefault: boolean): boolean => (values.get(name) ?? byDefault) === true;
  const list = (name: string): readonly string[] => {
    const value = values.get(name);
    return typeof value === "object" ? value : [];
  };
  const network = networkNamed(text("network"));
  const ports = defaultPorts[network];
  const alias = text("alias");
  const birthday = number("birthday");
  const maxFeerate = number("fees.most");
  const certificate = text("api.tls.certificate");
  const key = text("api.tls.key");
  if ((certificate === undefined) !== (key === undefined))
    throw misfit("Of api.tls.certificate and api.tls.key only one is set.", "Set both, or none.");
  const dashboard = text("api.dashboard");
  const tor = torOf(text("tor.socks"), isSet("tor.everything", false));
  const inboundChannels = inboundConfig(values);
  const development = developerConfig(values, network);
  return {
    network,
    ...(alias !== undefined && { alias }),
    chain: chainOf(text, network),
    furtherChains: list("chain.further").map(furtherChain),
    ...(maxFeerate !== undefined && { maxFeerate }),
    forwardsToPrivateChannels: isSet("forwarding.toPrivateChannels", false),
    storage: storageConfig(values),
    ...(isSet("listen.enabled", true) && {
      listen: { host: text("listen.host") ?? "127.0.0.1", port: number("listen.port") ?? ports.peers },
    }),
    ...(inboundChannels !== undefined && { inboundChannels }),
    ...(tor !== undefined && { tor }),
    ...(values.has("backup.files") && { backupFiles: list("backup.files") }),
    announceAddresses: list("announceAddresses"),
    gossip: gossipOf(text("gossip")),
    ...(birthday !== undefined && { birthday }),
    api: {
      host: text("api.host") ?? "127.0.0.1",
      port: number("api.port") ?? ports.api,
      ...(certificate !== undefined && key !== undefined && { tls: { certificate, key } }),
      allowPublicWithoutTls: isSet("api.allowPublicWithoutTls", false),
      corsOrigins: list("api.corsOrigins"),
      ...(dashboard !== undefined && { dashboard }),
    },
    log: { level: levelNamed(text("log.level")), console: isSet("log.console", false) },
    ...(development !== undefined && { development }),
  };
}

function networkNamed(name: string | undefined): NodeNetwork {
  switch (name) {
    case "mainnet":
    case "testnet4":
    case "signet":
    case "regtest":
      return name;
    default:
      throw misfit("network is not set.", "Set it to mainnet, testnet4, signet or regtest.");
  }
}

function levelNamed(name: string | undefined): LogLevel {
  return name === "debug" || name === "warn" || name === "error" ? name : "info";
}

function chainOf(text: (name: string) => string | undefined, network: NodeNetwork): ChainOption {
  const url = text("chain.url");
  const source = text("chain.source");
  if (source === undefined)
    throw misfit(
      "chain.source is not set.",
      "Set it to bitcoind, esplora or electrum, and chain.url to its address.",
    );
  if (source !== "bitcoind" && url === undefined)
    throw misfit(`chain.url is not set, and ${source} has no default.`, "Set it to the server's address.");
  if (source === "esplora") return { esplora: { url: url ?? "" } };
  if (source === "electrum") return { electrum: { url: url ?? "" } };
  const { bitcoind: port, folder } = defaultPorts[network];
  const [user, password, cookie] = [text("chain.user"), text("chain.password"), text("chain.cookieFile")];
  if ((user === undefined) !== (password === undefined))
    throw misfit("Of chain.user and chain.password only one is set.", "Set both, or chain.cookieFile.");
  const login =
    user !== undefined && password !== undefined
      ? { user, password }
      : { cookieFile: cookie ?? join(homedir(), ".bitcoin", folder, ".cookie") };
  return { bitcoind: { url: url ?? `http://127.0.0.1:${port}`, ...login } };
}

/** A source and its address, with a space in between. */
function furtherChain(text: string): ChainOption {
  const [source, url = "", ...more] = text.trim().split(/ +/);
  if (more.length === 0 && URL.canParse(url)) {
    if (source === "esplora") return { esplora: { url } };
    if (source === "electrum") return { electrum: { url } };
    const login = loginOf(url);
    if (source === "bitcoind" && login !== undefined)
      return { bitcoind: { url: withoutLogin(url), ...login } };
  }
  throw misfit(
    "One of chain.further is no source with its address.",
    "Write esplora https://host/api, electrum tls://host:50002 or bitcoind http://user:password@host:8332.",
  );
}

function loginOf(text: string): { readonly user: string; readonly password: string } | undefined {
  const { username, password } = new URL(text);
  try {
    const user = decodeURIComponent(username);
    return user === "" ? undefined : { user, password: decodeURIComponent(password) };
  } catch {
    return undefined;
  }
}

function withoutLogin(text: string): string {
  const url = new URL(text);
  [url.username, url.password] = ["", ""];
  return url.href;
}

function torOf(socks: string | undefined, everything: boolean): TorOption | undefined {
  if (socks === undefined) {
    if (everything) throw misfit("tor.everything is set without tor.socks.", "Set it to 127.0.0.1:9050.");
    return undefined;
  }
  const [, v6, name, port] = /^(?:\[([0-9a-f:]+)\]|([\w.-]+)):([0-9]{1,5})$/i.exec(socks) ?? [];
  const host = v6 ?? name;
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw misfit("tor.socks is no host and port.", "Tor listens at 127.0.0.1:9050.");
  return { socks: { host, port: Number(port) }, everything };
}

function gossipOf(text: string | undefined): GossipOption {
  if (text === undefined || text === "peer-to-peer") return "peer-to-peer";
  if (text === "none") return "none";
  if (/^https?:\/\//.test(text)) return { rapidGossipSync: text };
  throw misfit(`gossip is "${text.slice(0, 80)}".`, "Set it to peer-to-peer, none, or a URL.");
}
