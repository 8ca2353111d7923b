import type { NodeWarning } from "../api/nodeApi.ts";
import type { NodeNetwork } from "../api/options.ts";

/** Once in some hundred thousand years there is no block for as long, where as many are mined as should be. */
const longestSilence = 4 * 3_600;

interface LastBlock {
  readonly network: NodeNetwork;
  /** When the newest block says it was made; absent while none was heard of since the start. */
  readonly blockTime: number | undefined;
  readonly startedAt: number;
  readonly now: number;
}

/** A source that answers, and tells of no new block for hours: it hangs, or somebody keeps blocks from the node. */
export function silentChain({
  network,
  blockTime,
  startedAt,
  now,
}: LastBlock): readonly [NodeWarning] | readonly [] {
  const silence = now - (blockTime ?? startedAt);
  if (network === "regtest" || silence <= longestSilence) return [];
  const hours = Math.floor(silence / 3_600);
  return [
    {
      code: "no-new-blocks",
      text: `the chain source has told of no block for ${hours} hours: the node would not see a channel being closed`,
      remedy: "compare the height with that of another source, and change to that one if it is higher",
    },
  ];
}
