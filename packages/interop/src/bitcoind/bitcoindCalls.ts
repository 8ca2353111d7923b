/** Amounts are bitcoins in JSON, hashes hex in display order, blocks and transactions hex. */
export interface BitcoindCalls {
  estimatesmartfee: {
    readonly params: readonly [blocks: number];
    /** Per 1,000 virtual bytes; absent with too little to go by. */
    readonly result: {
      readonly feerate?: number;
      readonly errors?: readonly string[];
      readonly blocks: number;
    };
  };
  /** A block of exactly these transactions, in this order, whose fees nobody gets. */
  generateblock: {
    readonly params: readonly [output: string, transactions: readonly string[]];
    readonly result: { readonly hash: string };
  };
  generatetoaddress: {
    readonly params: readonly [count: number, address: string];
    readonly result: readonly string[];
  };
  generatetodescriptor: {
    readonly params: readonly [count: number, descriptor: string];
    readonly result: readonly string[];
  };
  getbestblockhash: { readonly params: readonly []; readonly result: string };
  getblock: { readonly params: readonly [hash: string, verbosity: 0]; readonly result: string };
  getblockchaininfo: { readonly params: readonly []; readonly result: BlockchainInfo };
  getrawmempool: {
    readonly params: readonly [verbose: true];
    readonly result: Readonly<Record<string, MempoolEntryInfo>>;
  };
  getrawtransaction: { readonly params: readonly [txid: string]; readonly result: string };
  invalidateblock: { readonly params: readonly [hash: string]; readonly result: null };
  reconsiderblock: { readonly params: readonly [hash: string]; readonly result: null };
  /** Limits in bitcoins per 1,000 virtual bytes and in bitcoins; a feerate of 0 is no limit. */
  sendrawtransaction: {
    readonly params: readonly [transaction: string, maxFeerate?: number, maxBurn?: number];
    readonly result: string;
  };
  /** From now on the node's clock stands still at this Unix second. */
  setmocktime: { readonly params: readonly [time: number]; readonly result: null };
  stop: { readonly params: readonly []; readonly result: string };
  /** `null` when the block is the new tip, otherwise what else it is. */
  submitblock: { readonly params: readonly [block: string]; readonly result: string | null };
  submitpackage: {
    readonly params: readonly [transactions: readonly string[], maxFeerate?: number, maxBurn?: number];
    readonly result: PackageResult;
  };
  testmempoolaccept: {
    readonly params: readonly [transactions: readonly string[], maxFeerate?: number];
    readonly result: readonly MempoolVerdict[];
  };
}

export type BitcoindMethod = keyof BitcoindCalls;
export type ParamsOf<M extends BitcoindMethod> = BitcoindCalls[M]["params"];
export type ResultOf<M extends BitcoindMethod> = BitcoindCalls[M]["result"];

export interface BlockchainInfo {
  readonly chain: string;
  readonly blocks: number;
  readonly bestblockhash: string;
  readonly mediantime: number;
}

export interface MempoolEntryInfo {
  readonly vsize: number;
  readonly wtxid: string;
  readonly fees: { readonly base: number };
  /** Ids of its unconfirmed parents. */
  readonly depends: readonly string[];
}

export interface MempoolVerdict {
  readonly txid: string;
  /** Absent where a package was not looked at. */
  readonly allowed?: boolean;
  readonly "reject-reason"?: string;
}

export interface PackageResult {
  /** `success`, or why the package as a whole was refused. */
  readonly package_msg: string;
  /** By id with witness. */
  readonly "tx-results": Readonly<Record<string, { readonly txid: string; readonly error?: string }>>;
}
