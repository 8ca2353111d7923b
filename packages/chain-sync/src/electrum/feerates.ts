import type { FeeratePerKw } from "@fulmen/lightning/util";
import type { FeerateTable } from "../chainSource.ts";
import { readFeerate, readHistogram } from "./answers.ts";
import { isObject } from "./rpcMessage.ts";
import type { ElectrumSession } from "./session.ts";

const targets = [1, 2, 3, 6, 12, 24, 72, 144, 504, 1_008] as const;
/** Virtual bytes of transactions in a block. */
const blockSize = 997_000;

/**
 * What the server's node estimates; where it does not know, what the mempool that it sees has to pay. Rejects with a
 * `ChainSourceError`.
 */
export async function askFeerates(session: ElectrumSession): Promise<FeerateTable> {
  const [minimum, ...estimates] = await Promise.all([askMinimum(session), ...targets.map(askTarget)]);
  const known = targets.flatMap((blocks, index) => {
    const feerate = estimates[index];
    return feerate === undefined ? [] : [{ blocks, feerate }];
  });
  if (known.length > 0) return { targets: known, minimum };
  const histogram = readHistogram(await session.demand("mempool.get_fee_histogram"));
  return {
    targets: targets.map((blocks) => ({ blocks, feerate: feerateWithin(histogram, blocks, minimum) })),
    minimum,
  };

  async function askTarget(blocks: number): Promise<FeeratePerKw | undefined> {
    const method = "blockchain.estimatefee";
    const answer = await session.ask(method, [blocks]);
    // Servers refuse what their nodes cannot estimate, or say -1.
    return answer.ok ? readFeerate(answer.value, method) : undefined;
  }
}

async function askMinimum(session: ElectrumSession): Promise<FeeratePerKw> {
  const isNew = session.protocol.startsWith("1.6");
  const method = isNew ? "mempool.get_info" : "blockchain.relayfee";
  const answer = await session.demand(method);
  const value = isNew && isObject(answer) ? answer["mempoolminfee"] : answer;
  return readFeerate(value, method) ?? (0n as FeeratePerKw);
}

/** The lowest feerate of those that so many blocks have room for; `minimum` where there is room for all. */
function feerateWithin(
  histogram: readonly { readonly feerate: FeeratePerKw; readonly vsize: number }[],
  blocks: number,
  minimum: FeeratePerKw,
): FeeratePerKw {
  let size = 0;
  for (const { feerate, vsize } of histogram) {
    size += vsize;
    if (size > blocks * blockSize) return feerate > minimum ? feerate : minimum;
  }
  return minimum;
}
