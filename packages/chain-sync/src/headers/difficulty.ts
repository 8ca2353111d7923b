import type { BlockHeader } from "@fulmen/bitcoin/block";
import { blockHash, hasProofOfWork, targetFromBits } from "@fulmen/bitcoin/block";
import type { Network } from "@fulmen/bitcoin/network";
import { present } from "@fulmen/lightning/util";

/** Blocks after which the target changes. */
export const retargetInterval = 2_016;
const expectedSeconds = 14n * 24n * 3_600n;
/** A block this much later than the one before may have the easiest target, on networks for tests. */
const minDifficultySeconds = 20 * 60;
/** BIP 94: the first block of a period is at most this much before the one it follows. */
const timewarpSeconds = 600;

interface DifficultyRules {
  /** Blocks may have the easiest target when the one before is long ago. */
  readonly hasEasyBlocks: boolean;
  /** BIP 94: a period's target is that of its first block, and time does not jump back between two. */
  readonly isBip94: boolean;
  readonly retargets: boolean;
}

const strict: DifficultyRules = { hasEasyBlocks: false, isBip94: false, retargets: true };
const rulesOf: { readonly [name in Network["name"]]: DifficultyRules } = {
  mainnet: strict,
  signet: strict,
  testnet: { ...strict, hasEasyBlocks: true },
  testnet4: { ...strict, hasEasyBlocks: true, isBip94: true },
  regtest: { hasEasyBlocks: true, isBip94: false, retargets: false },
};

/** Since when what blocks of mainnet ask for is known, whoever tells of them. */
const mainnetMilestone = 800_000;
/**
 * A sixteenth of the work of that block: at a rate that would have fallen as far, blocks would have come every three
 * hours.
 */
const easiestSinceMilestone = targetFromBits(0x1753_8940) ?? 0n;

/**
 * Whether a header has its proof of work, and not less of it than every block of the network at this height: whoever is
 * not held against headers that are known, as after a start, could otherwise have us believe in blocks of mainnet that
 * cost as little as the first ones did. `hash` is the header's, where it is known already.
 */
export function hasWorkAt(
  header: BlockHeader,
  height: number,
  network: Network,
  hash = blockHash(header),
): boolean {
  if (!hasProofOfWork(header, network, hash)) return false;
  if (network.name !== "mainnet" || height < mainnetMilestone) return true;
  return (targetFromBits(header.bits) ?? 0n) <= easiestSinceMilestone;
}

/** The least height that the tip of a network can have. */
export function leastTip({ name }: Network): number {
  return name === "mainnet" ? mainnetMilestone : 0;
}

/** The headers before one, as far as they are known: 1 is the one that it follows. */
export type Ancestors = (back: number) => BlockHeader | undefined;

/**
 * What is wrong with the target of a header, or `undefined`. Where the headers that it follows from are not known, what
 * can be said without them is checked: a retarget changes the target by no more than a factor of four; an easy block
 * on a network for tests came late enough, and a block that is not easy has a target that is not the easiest.
 */
export function difficultyComplaint(
  header: BlockHeader,
  height: number,
  ancestors: Ancestors,
  network: Network,
): string | undefined {
  const rules = rulesOf[network.name];
  const previous = ancestors(1);
  if (previous === undefined) return undefined;
  if (!rules.retargets) return expectBits(header, network.powLimitBits);
  if (height % retargetInterval === 0) {
    if (rules.isBip94 && header.time < previous.time - timewarpSeconds) {
      return `its time is ${previous.time - header.time} s before that of the block that it follows`;
    }
    return retargetComplaint(header, ancestors, network, rules);
  }
  if (!rules.hasEasyBlocks) return expectBits(header, previous.bits);
  if (header.time > previous.time + minDifficultySeconds) return expectBits(header, network.powLimitBits);
  const last = lastOrdinaryBits(height, ancestors, network);
  return last === undefined ? undefined : expectBits(header, last);
}

/** The target of the last block of the period that is not an easy one; `undefined` when it is not known. */
function lastOrdinaryBits(height: number, ancestors: Ancestors, network: Network): number | undefined {
  for (let back = 1; ; back++) {
    const header = ancestors(back);
    if (header === undefined) return undefined;
    if (header.bits !== network.powLimitBits || (height - back) % retargetInterval === 0) return header.bits;
  }
}

function retargetComplaint(
  header: BlockHeader,
  ancestors: Ancestors,
  network: Network,
  rules: DifficultyRules,
): string | undefined {
  const last = present(ancestors(1), "the header before");
  const first = ancestors(retargetInterval);
  if (first !== undefined) {
    const seconds = BigInt(last.time - first.time);
    const base = rules.isBip94 ? first.bits : last.bits;
    return expectBits(header, bitsOfTarget(scaled(base, clamped(seconds), network)));
  }
  // An easy last block says nothing of the period's target under BIP 94.
  if (rules.isBip94) return undefined;
  const target = targetFromBits(header.bits) ?? 0n;
  const hardest = truncated(scaled(last.bits, expectedSeconds / 4n, network));
  const easiest = truncated(scaled(last.bits, expectedSeconds * 4n, network));
  if (target >= hardest && target <= easiest) return undefined;
  return "its target changes by more than a factor of four";
}

function clamped(seconds: bigint): bigint {
  if (seconds < expectedSeconds / 4n) return expectedSeconds / 4n;
  return seconds > expectedSeconds * 4n ? expectedSeconds * 4n : seconds;
}

function scaled(bits: number, seconds: bigint, network: Network): bigint {
  const target = ((targetFromBits(bits) ?? 0n) * seconds) / expectedSeconds;
  const limit = targetFromBits(network.powLimitBits) ?? 0n;
  return target > limit ? limit : target;
}

/** As the compact form can say it. */
function truncated(target: bigint): bigint {
  return targetFromBits(bitsOfTarget(target)) ?? 0n;
}

/** The compact form of a target, which keeps its three highest bytes. */
export function bitsOfTarget(target: bigint): number {
  let size = Math.ceil(target.toString(2).length / 8);
  let mantissa = size <= 3 ? target << BigInt(8 * (3 - size)) : target >> BigInt(8 * (size - 3));
  // The highest bit is the sign.
  if ((mantissa & 0x80_0000n) !== 0n) {
    mantissa >>= 8n;
    size++;
  }
  return Number(mantissa) + size * 0x100_0000;
}

function expectBits(header: BlockHeader, bits: number): string | undefined {
  if (header.bits === bits) return undefined;
  return `its target is ${header.bits.toString(16)}, not ${bits.toString(16)}`;
}
