import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { Result } from "@fulmen/lightning/util";
import type { Accepted, Refusal, TestChain } from "../chain/index.ts";
import type { ScriptHash, ScriptIndex } from "../lookup/index.ts";
import type { Json } from "./json.ts";
import type { NewestProtocol } from "./protocolVersion.ts";

/** What a server tells of itself. */
export interface ElectrumServerOptions {
  /** For `server.version`; also in the banner unless that is given. */
  readonly name?: string;
  /** For `server.banner`. */
  readonly banner?: string;
  /** For `server.donation_address`; empty when absent. */
  readonly donationAddress?: string;
  /**
   * Satoshis per 1,000 virtual bytes with which a transaction is in one of the next `blocks` blocks; `undefined` when
   * nobody knows, as on a young chain.
   */
  readonly feerate?: (blocks: number) => bigint | undefined;
  /** Satoshis per 1,000 virtual bytes for `blockchain.relayfee`; that of the default policy when absent. */
  readonly relayFeerate?: bigint;
  /** The last protocol that it speaks; 1.4.2 when not given. */
  readonly newestProtocol?: NewestProtocol;
  /** Hears of every transaction that a client broadcasts, and what the mempool said to it. */
  readonly onBroadcast?: (transaction: Transaction, result: Result<Accepted, Refusal>) => void;
  readonly limits?: Partial<ElectrumLimits>;
}

/** What a client may ask for at most. */
export interface ElectrumLimits {
  /** Characters of a line; a longer one ends the connection. */
  readonly maxLineLength: number;
  /** Characters of an answer, and of all answers of a batch together; instead of more there is an error. */
  readonly maxAnswerLength: number;
  readonly maxBatchSize: number;
  /** Script hashes that one connection subscribes to. */
  readonly maxSubscriptions: number;
  /** Confirmed transactions of a script whose history is asked for. */
  readonly maxHistory: number;
}

/** What the methods need of the connection that calls them. */
export interface Caller {
  /** Chooses the protocol, once. */
  negotiate(offered: Json | undefined): string;
  /** Whether it chose protocol 1.6. */
  readonly speaksNewest: boolean;
  subscribeToHeaders(): void;
  /** From now on it is told of other statuses than this one. */
  subscribe(hash: ScriptHash, status: string | null): void;
  /** Whether there was such a subscription. */
  unsubscribe(hash: ScriptHash): boolean;
}

/** What the methods answer from. */
export interface MethodContext {
  readonly chain: TestChain;
  readonly index: ScriptIndex;
  readonly options: ElectrumServerOptions;
  readonly limits: ElectrumLimits;
  readonly caller: Caller;
}

/** A method of the protocol. */
export interface Method {
  /** Names of its parameters, in their order. */
  readonly parameters: readonly string[];
  /** As many of the first ones cannot be left out. */
  readonly required: number;
  /** Whether more parameters are passed over rather than refused. */
  readonly takesMore?: boolean;
  /** Protocols that have it; all when not given. */
  readonly since?: "1.6";
  readonly until?: "1.4.2";
  /** Answers, or throws `RequestError`. */
  readonly call: (context: MethodContext, args: readonly (Json | undefined)[]) => Json;
}
