import { type BlockHeader, blockHash, hasProofOfWork } from "@fulmen/bitcoin/block";
import { type NetworkName, networks } from "@fulmen/bitcoin/network";
import type { BlockHash } from "@fulmen/bitcoin/primitives";
import { EsploraSource, type EsploraSourceOptions } from "@fulmen/chain-sync/esplora";
import type { SimulatedChain } from "@fulmen/testkit/chain";
import type { ChainLie, ChainSourceMedium } from "@fulmen/testkit/conformance";
import {
  type EsploraAnswer,
  EsploraApi,
  type EsploraRequest,
  EsploraServer,
  type EsploraServerOptions,
} from "@fulmen/testkit/esplora";
import { createFundedChain, type Faucet } from "@fulmen/testkit/wallet";

/** A chain with an Esplora server of it, and sources that ask this one. */
export class EsploraMedium implements ChainSourceMedium {
  readonly chain: SimulatedChain;
  readonly faucet: Faucet;
  readonly server: EsploraServer;
  /** Changes what the server answers, after its own lies. */
  tamper: NonNullable<EsploraServerOptions["tamper"]> = (answer) => answer;
  #lie: ChainLie | undefined;

  constructor(options: EsploraServerOptions = {}) {
    const { chain, faucet } = createFundedChain();
    this.chain = chain;
    this.faucet = faucet;
    this.server = new EsploraServer(chain, {
      feeEstimates: { "1": 12.5, "6": 4.02, "144": 1.001 },
      ...options,
      tamper: (answer, request) => this.tamper(this.#lying(answer, request), request),
    });
  }

  static async listening(options: EsploraServerOptions = {}): Promise<EsploraMedium> {
    const medium = new EsploraMedium(options);
    await medium.server.listen();
    return medium;
  }

  createSource(network: NetworkName = "regtest", options: Partial<EsploraSourceOptions> = {}): EsploraSource {
    return new EsploraSource({
      url: this.server.url,
      network,
      timeout: 2_000,
      pollInterval: 20,
      retryDelay: 1,
      ...options,
    });
  }

  interrupt(): Promise<void> {
    return this.server.close();
  }

  resume(): Promise<void> {
    return this.server.listen();
  }

  lie(lie: ChainLie | undefined): void {
    this.#lie = lie;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  #lying(answer: EsploraAnswer, { path }: EsploraRequest): EsploraAnswer {
    if (this.#lie === undefined) return answer;
    if (this.#lie === "false-transactions") {
      return path.endsWith("/merkle-proof") && answer.status === 200
        ? replaced(answer, /"merkle":\[.*?\]/, `"merkle":["${"5a".repeat(32)}"]`)
        : answer;
    }
    const { tip } = this.chain;
    const header = falseHeader(tip.block.header, this.#lie);
    const hash = blockHash(header);
    if (path === "/blocks/tip/hash") return { ...answer, body: hash };
    const api = new EsploraApi(this.chain);
    if (path === `/block/${hash}`)
      answer = api.answer({ method: "GET", path: `/block/${tip.hash}`, body: "" });
    if (!/^\/blocks?\//.test(path)) return answer;
    const { previous, nonce } = tip.block.header;
    const found = `"id":"${tip.hash}"`;
    if (typeof answer.body !== "string" || !answer.body.includes(found)) return answer;
    return {
      ...answer,
      body: answer.body
        .replace(found, `"id":"${hash}"`)
        .replace(`"previousblockhash":"${previous}"`, `"previousblockhash":"${header.previous}"`)
        .replace(`"nonce":${nonce}`, `"nonce":${header.nonce}`),
    };
  }
}

/** A header like this one that has no proof of work, or one that follows no known block. */
function falseHeader(header: BlockHeader, lie: "no-work" | "broken-chain"): BlockHeader {
  const previous = lie === "no-work" ? header.previous : ("7b".repeat(32) as BlockHash);
  for (let nonce = header.nonce; ; nonce = (nonce + 1) >>> 0) {
    const changed = { ...header, previous, nonce };
    if (hasProofOfWork(changed, networks.regtest) === (lie === "broken-chain")) return changed;
  }
}

function replaced(answer: EsploraAnswer, pattern: RegExp, text: string): EsploraAnswer {
  return typeof answer.body === "string" ? { ...answer, body: answer.body.replace(pattern, text) } : answer;
}
