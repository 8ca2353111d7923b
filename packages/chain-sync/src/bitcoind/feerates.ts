import type { NetworkName } from "@fulmen/bitcoin/network";
import { type FeeratePerKw, feeratePerKw } from "@fulmen/lightning/util";
import type { FeerateTable } from "../chainSource.ts";
import { ChainSourceError } from "../chainSourceError.ts";
import { invalidAnswer, satoshisOf } from "./answers.ts";
import { fieldOf, type RpcClient } from "./rpcClient.ts";

/** Numbers of blocks that Bitcoin Core is asked about, with how careful it should be. */
const targets = [
  [2, "CONSERVATIVE"],
  [3, "CONSERVATIVE"],
  [6, "CONSERVATIVE"],
  [12, "ECONOMICAL"],
  [24, "ECONOMICAL"],
  [144, "ECONOMICAL"],
  [1_008, "ECONOMICAL"],
] as const;

/** What Bitcoin Core estimates, and the least that its mempool takes. */
export async function feeratesOf(rpc: RpcClient, network: NetworkName): Promise<FeerateTable> {
  const answers = await rpc.batch([
    { method: "getmempoolinfo", params: [] },
    ...targets.map((params) => ({ method: "estimatesmartfee", params })),
  ]);
  const minimum = perKw(fieldOf(answers[0], "mempoolminfee"));
  if (minimum === undefined) throw invalidAnswer("no mempoolminfee");
  const known = targets.flatMap(([blocks], index) => {
    const feerate = perKw(fieldOf(answers[index + 1], "feerate"));
    return feerate === undefined ? [] : [{ blocks, feerate }];
  });
  if (known.length > 0) return { targets: known, minimum };
  // Blocks of a test network of one's own are never full.
  if (network === "regtest") return { targets: [{ blocks: 2, feerate: minimum }], minimum };
  throw new ChainSourceError(
    "not-synced",
    "bitcoind has not seen enough transactions yet to estimate feerates",
    "leave it running for some hours; until then there are defaults, or other sources",
  );
}

/** Of bitcoins per 1,000 virtual bytes. */
function perKw(value: unknown): FeeratePerKw | undefined {
  const satoshis = satoshisOf(value);
  return satoshis === undefined || satoshis === 0n ? undefined : feeratePerKw((satoshis + 3n) / 4n);
}
