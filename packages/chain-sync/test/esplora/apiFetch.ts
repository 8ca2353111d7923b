import type { FetchLike } from "@fulmen/chain-sync/esplora";
import type { SimulatedChain } from "@fulmen/testkit/chain";
import { EsploraApi, type EsploraApiOptions } from "@fulmen/testkit/esplora";
import { createFundedChain, type Faucet } from "@fulmen/testkit/wallet";

/** Where the API of `ApiFetch` is. */
export const apiUrl = "https://esplora.test/api";

/** A `fetch` that answers from a chain without any socket, and otherwise where a test says so. */
export class ApiFetch {
  readonly chain: SimulatedChain;
  readonly faucet: Faucet;
  readonly #api: EsploraApi;
  /** `GET /blocks/tip/hash`, since the last `take`. */
  requests: string[] = [];
  /** Headers of the last request. */
  headers: Readonly<Record<string, string>> = {};
  underWay = 0;
  mostUnderWay = 0;
  /** Answers instead of the API, when it does. */
  instead: (path: string, signal: AbortSignal) => Response | undefined | Promise<Response | undefined> = () =>
    undefined;
  /** Changes the text of an answer. */
  edit: (text: string, path: string) => string = (text) => text;

  constructor(options: EsploraApiOptions = {}, { chain, faucet } = createFundedChain()) {
    this.chain = chain;
    this.faucet = faucet;
    this.#api = new EsploraApi(chain, options);
  }

  readonly fetch: FetchLike = async (url, { method, headers, body = "", signal }) => {
    const path = url.slice(apiUrl.length);
    this.requests.push(`${method} ${path}`);
    this.headers = headers;
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
    try {
      await Promise.resolve();
      const instead = await this.instead(path, signal);
      if (instead !== undefined) return instead;
      const answer = this.#api.answer({ method, path, body });
      const edited = typeof answer.body === "string" ? this.edit(answer.body, path) : answer.body.slice();
      return new Response(edited, {
        status: answer.status,
        headers: { "Content-Type": answer.contentType },
      });
    } finally {
      this.underWay--;
    }
  };

  /** What was asked for since the last call. */
  take(): readonly string[] {
    const { requests } = this;
    this.requests = [];
    return requests;
  }
}
