import { type ChainSource, FailoverSource } from "@fulmen/chain-sync";
import type { Logger } from "@fulmen/lightning/handlers";
import { fetchThrough } from "@fulmen/net";
import { NodeError } from "../api/nodeError.ts";
import type { ChainOption, NodeOptions, TorOption } from "../api/options.ts";
import type { NodeParts } from "../parts/index.ts";
import { dialOf, goesThrough, torTimeout } from "../tor/index.ts";

/** Milliseconds that a source may fail before another takes its place, where intervals are short. */
const patienceInTests = 1_000;

/** All that the options name; nothing is connected yet. */
export async function sourcesOf(
  options: NodeOptions,
  logger: Logger,
): Promise<Pick<NodeParts, "source" | "sources">> {
  const { chain, furtherChains = [], network, development } = options;
  const first = await chainSourceOf(chain, options);
  if (furtherChains.length === 0) return { source: first, sources: [first] };
  const others: ChainSource[] = [];
  for (const one of furtherChains) others.push(await chainSourceOf(one, options));
  const lookInterval = development?.pollInterval;
  const source = new FailoverSource({
    network,
    sources: [first, ...others],
    ...(lookInterval !== undefined && { lookInterval, patience: patienceInTests }),
    changed: (text) => logger.log({ level: "warn", module: "chain", text }),
  });
  return { source, sources: source.members };
}

type SourceTerms = Pick<NodeOptions, "network" | "tor" | "development">;

/** The source that an option names; nothing is connected yet. Only its own code is loaded. */
export async function chainSourceOf(chain: ChainOption, terms: SourceTerms): Promise<ChainSource> {
  if ("sync" in chain) return chain;
  if ("esplora" in chain) return esplora(chain.esplora.url, terms);
  if ("electrum" in chain) return electrum(chain.electrum, terms);
  if ("bitcoind" in chain) return bitcoind(chain.bitcoind, terms);
  throw invalid("the chain source is none that is known", "name a bitcoind, esplora or electrum server");
}

async function esplora(url: string, { network, tor, development }: SourceTerms): Promise<ChainSource> {
  const { EsploraSource } = await import("@fulmen/chain-sync/esplora");
  const dial = dialOf(tor);
  const pollInterval = development?.pollInterval;
  return new EsploraSource({
    url,
    network,
    ...(pollInterval !== undefined && { pollInterval, mempoolInterval: pollInterval }),
    ...(isThroughTor(url, tor) && dial && { fetch: fetchThrough(dial), timeout: torTimeout }),
  });
}

async function electrum(
  server: Extract<ChainOption, { readonly electrum: unknown }>["electrum"],
  { network, tor, development }: SourceTerms,
): Promise<ChainSource> {
  const { ElectrumSource } = await import("@fulmen/chain-sync/electrum");
  const isThrough = isThroughTor(server.url, tor);
  if (isThrough && /^wss?:/i.test(server.url))
    throw invalid("WebSockets do not go through Tor", "name the server's address for ssl: or tcp:");
  const dial = dialOf(tor);
  const pollInterval = development?.pollInterval;
  return new ElectrumSource({
    servers: [server],
    network,
    ...(pollInterval !== undefined && { pollInterval }),
    ...(isThrough && dial && { dial, connectTimeout: torTimeout }),
  });
}

function isThroughTor(url: string, tor: TorOption | undefined): boolean {
  if (tor === undefined || !URL.canParse(url)) return false;
  return goesThrough(tor, { host: new URL(url).hostname.replace(/^\[|\]$/g, "") });
}

async function bitcoind(
  { url, user, password, cookieFile: path }: Extract<ChainOption, { readonly bitcoind: unknown }>["bitcoind"],
  { network, development }: SourceTerms,
): Promise<ChainSource> {
  const { BitcoindSource, cookieFile } = await import("@fulmen/chain-sync/bitcoind");
  const pollInterval = development?.pollInterval;
  const common = {
    network,
    url,
    ...(pollInterval !== undefined && { mempoolSeconds: pollInterval / 1_000 }),
  };
  if (path !== undefined) return new BitcoindSource({ ...common, authentication: cookieFile(path) });
  if (user === undefined || password === undefined) {
    throw invalid(
      "bitcoind is named without a way to log in",
      "give user and password as bitcoin.conf has them, or cookieFile: the path of .cookie in bitcoind's data directory",
    );
  }
  return new BitcoindSource({ ...common, authentication: { kind: "password", user, password } });
}

function invalid(message: string, remedy: string): NodeError {
  return new NodeError("invalid-option", message, { remedy, details: { option: "chain" } });
}
