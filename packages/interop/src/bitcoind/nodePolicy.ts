import { defaultPolicy, type MempoolPolicy } from "@fulmen/testkit";

/** What Bitcoin Core is told to relay, so that it is what our simulated mempool relays by default. */
export const nodePolicy: MempoolPolicy = defaultPolicy;

/** Switches that set `nodePolicy` and keep a node to itself: no peers, no listening, nothing that goes by the clock. */
export const bitcoindSwitches: readonly string[] = [
  "-regtest",
  "-server",
  "-listen=0",
  "-networkactive=0",
  "-connect=0",
  "-dnsseed=0",
  "-fixedseeds=0",
  "-natpmp=0",
  "-printtoconsole=0",
  "-rpcbind=127.0.0.1",
  "-rpcallowip=127.0.0.1",
  // A test may think for long between two calls over one connection.
  "-rpcservertimeout=86400",
  `-minrelaytxfee=${perKvb(nodePolicy.minRelayFeerate)}`,
  `-incrementalrelayfee=${perKvb(nodePolicy.incrementalFeerate)}`,
  `-datacarriersize=${nodePolicy.maxDataCarrierSize}`,
  "-acceptnonstdtxn=0",
  "-permitbaremultisig=0",
  "-mempoolexpiry=1000000",
  "-blockmintxfee=0",
  // Regtest checks itself after every block otherwise, which takes longer the more there are.
  "-checkblockindex=0",
  "-checkmempool=0",
  "-dbcache=8",
  "-par=1",
];

/** Bitcoins per 1,000 virtual bytes. */
function perKvb(satoshis: bigint): string {
  return (Number(satoshis) / 1e8).toFixed(8);
}
