import type { BlockHash } from "../primitives/index.ts";

/** Bitcoin's networks by the names that Bitcoin Core gives them, `main` and `test` (version 3) in full. */
export type NetworkName = "mainnet" | "testnet" | "testnet4" | "signet" | "regtest";

/** What differs between Bitcoin's networks. @ldk bitcoin::Network */
export interface Network {
  readonly name: NetworkName;
  /** Human-readable part of segwit addresses. */
  readonly bech32Hrp: string;
  /** What follows `ln` in invoices (BOLT 11, "Human-Readable Part"). */
  readonly bolt11Prefix: string;
  /** First byte of pay-to-key-hash addresses. */
  readonly p2pkhVersion: number;
  /** First byte of pay-to-script-hash addresses. */
  readonly p2shVersion: number;
  /** Hash of the first block; in internal order (`blockHashToInternal`) it is the BOLTs' `chain_hash`. */
  readonly genesisHash: BlockHash;
  /** The easiest target that a block may have, in the compact form of headers. */
  readonly powLimitBits: number;
}

/** All networks by name. */
export const networks: { readonly [name in NetworkName]: Network } = {
  mainnet: {
    name: "mainnet",
    bech32Hrp: "bc",
    bolt11Prefix: "bc",
    p2pkhVersion: 0x00,
    p2shVersion: 0x05,
    genesisHash: "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f" as BlockHash,
    powLimitBits: 0x1d00_ffff,
  },
  testnet: {
    name: "testnet",
    bech32Hrp: "tb",
    bolt11Prefix: "tb",
    p2pkhVersion: 0x6f,
    p2shVersion: 0xc4,
    genesisHash: "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943" as BlockHash,
    powLimitBits: 0x1d00_ffff,
  },
  testnet4: {
    name: "testnet4",
    bech32Hrp: "tb",
    bolt11Prefix: "tb",
    p2pkhVersion: 0x6f,
    p2shVersion: 0xc4,
    genesisHash: "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043" as BlockHash,
    powLimitBits: 0x1d00_ffff,
  },
  signet: {
    name: "signet",
    bech32Hrp: "tb",
    bolt11Prefix: "tbs",
    p2pkhVersion: 0x6f,
    p2shVersion: 0xc4,
    genesisHash: "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6" as BlockHash,
    powLimitBits: 0x1e03_77ae,
  },
  regtest: {
    name: "regtest",
    bech32Hrp: "bcrt",
    bolt11Prefix: "bcrt",
    p2pkhVersion: 0x6f,
    p2shVersion: 0xc4,
    genesisHash: "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206" as BlockHash,
    powLimitBits: 0x207f_ffff,
  },
};

/** The network whose first block this is, or `undefined`. */
export function networkOfGenesis(genesisHash: BlockHash): Network | undefined {
  return Object.values(networks).find((network) => network.genesisHash === genesisHash);
}
