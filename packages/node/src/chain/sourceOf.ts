import type { ChainSource } from "@fulmen/chain-sync";
import { NodeError } from "../api/nodeError.ts";
import type { ChainOption, NodeNetwork } from "../api/options.ts";

interface SourceTerms {
  readonly network: NodeNetwork;
  /** Milliseconds between two looks. */
  readonly pollInterval?: number | undefined;
}

/** The source that an option names; nothing is connected yet. Only its own code is loaded. */
export async function chainSourceOf(chain: ChainOption, terms: SourceTerms): Promise<ChainSource> {
  if ("sync" in chain) return chain;
  const { network, pollInterval } = terms;
  const polling = pollInterval === undefined ? {} : { pollInterval };
  if ("esplora" in chain) {
    const { EsploraSource } = await import("@fulmen/chain-sync/esplora");
    const looking = pollInterval === undefined ? {} : { pollInterval, mempoolInterval: pollInterval };
    return new EsploraSource({ url: chain.esplora.url, network, ...looking });
  }
  if ("electrum" in chain) {
    const { ElectrumSource } = await import("@fulmen/chain-sync/electrum");
    return new ElectrumSource({ servers: [chain.electrum], network, ...polling });
  }
  if ("bitcoind" in chain) return bitcoind(chain.bitcoind, terms);
  throw invalid("the chain source is none that is known", "name a bitcoind, esplora or electrum server");
}

async function bitcoind(
  { url, user, password, cookieFile: path }: Extract<ChainOption, { readonly bitcoind: unknown }>["bitcoind"],
  { network, pollInterval }: SourceTerms,
): Promise<ChainSource> {
  const { BitcoindSource, cookieFile } = await import("@fulmen/chain-sync/bitcoind");
  const common = {
    ...{ network, url },
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
