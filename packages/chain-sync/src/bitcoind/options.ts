import type { NetworkName } from "@fulmen/bitcoin/network";

/** How bitcoind knows that it may answer. */
export type BitcoindAuthentication =
  | { readonly kind: "password"; readonly user: string; readonly password: string }
  /**
   * By the cookie that bitcoind writes when it starts: `readCookie` gives the content of the file (`cookieFile` of this
   * package, under Node). It is read again when bitcoind no longer takes what it said.
   */
  | { readonly kind: "cookie"; readonly readCookie: () => Promise<string> };

/** Where a `BitcoindSource` connects to, and how. */
export interface BitcoindOptions {
  readonly network: NetworkName;
  readonly authentication: BitcoindAuthentication;
  /** `http://127.0.0.1` and the network's RPC port when not given. Without user and password. */
  readonly url?: string;
  /** Fetches blocks by REST, which is faster: bitcoind needs `rest=1`. */
  readonly rest?: boolean;
  /** Hears of blocks and transactions by ZMQ (needs the package `zeromq`): bitcoind needs the same addresses. */
  readonly zmq?: {
    /** That of `zmqpubhashblock`: `tcp://127.0.0.1:28332`. */
    readonly hashBlock?: string;
    /** That of `zmqpubrawtx`. */
    readonly rawTransaction?: string;
  };
  /** Seconds that an ordinary answer may take; 30 when not given. */
  readonly timeoutSeconds?: number;
  /** Blocks that are fetched while earlier ones are applied; 4 when not given. */
  readonly fetchAhead?: number;
  /** Seconds between two looks at the mempool, if anybody wants to hear of it; 60 when not given. */
  readonly mempoolSeconds?: number;
  /** Seconds that a pruned block is waited for when a peer was asked for it; 30 when not given. */
  readonly pruneWaitSeconds?: number;
}

/** Where Bitcoin Core listens unless it is told otherwise. */
export const rpcPorts: { readonly [name in NetworkName]: number } = {
  mainnet: 8332,
  testnet: 18332,
  testnet4: 48332,
  signet: 38332,
  regtest: 18443,
};
