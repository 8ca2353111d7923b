import type { ChainSource } from "@fulmen/chain-sync";
import { BitcoindSource, cookieFile } from "@fulmen/chain-sync/bitcoind";
import { ElectrumSource } from "@fulmen/chain-sync/electrum";
import { EsploraSource } from "@fulmen/chain-sync/esplora";
import { NodeError } from "../api/nodeError.ts";
import type { ChainOption, NodeNetwork } from "../api/options.ts";

/** The source that an option names; nothing is connected yet. */
export function chainSourceOf(chain: ChainOption, network: NodeNetwork): ChainSource {
  if ("sync" in chain) return chain;
  if ("esplora" in chain) return new EsploraSource({ url: chain.esplora.url, network });
  if ("electrum" in chain) return new ElectrumSource({ servers: [chain.electrum], network });
  if ("bitcoind" in chain) return bitcoind(chain.bitcoind, network);
  throw invalid("the chain source is none that is known", "name a bitcoind, esplora or electrum server");
}

function bitcoind(
  { url, user, password, cookieFile: path }: Extract<ChainOption, { readonly bitcoind: unknown }>["bitcoind"],
  network: NodeNetwork,
): ChainSource {
  if (path !== undefined) return new BitcoindSource({ network, url, authentication: cookieFile(path) });
  if (user === undefined || password === undefined) {
    throw invalid(
      "bitcoind is named without a way to log in",
      "give user and password as bitcoin.conf has them, or cookieFile: the path of .cookie in bitcoind's data directory",
    );
  }
  return new BitcoindSource({ network, url, authentication: { kind: "password", user, password } });
}

function invalid(message: string, remedy: string): NodeError {
  return new NodeError("invalid-option", message, { remedy, details: { option: "chain" } });
}
