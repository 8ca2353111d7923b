import { crypto } from "@fulmen/bitcoin/crypto";
import { outPointKey } from "@fulmen/bitcoin/primitives";
import { sighashAll } from "@fulmen/bitcoin/sighash";
import { type ClaimId, claimIdOf } from "../chain/coinSelection.ts";
import { formatOf } from "../commitment/formats/formatOf.ts";
import { concatBytes, fromHex } from "../util/bytes.ts";
import type { OutPoint, Txid } from "../util/ids.ts";
import { type FeeratePerKw, feeOf, feeratePerKw } from "../util/units.ts";
import type { PendingClaim } from "./chainView.ts";
import type { ChannelMonitor } from "./channelMonitor.ts";
import { type Claimable, claimables } from "./claimable.ts";
import { claimableWeight, feeSituation } from "./claimWeight.ts";
import { isFinal } from "./deadlines.ts";
import { blocksUntilRaise, firstFeerate, raisedFeerate } from "./feeSchedule.ts";

/** A claim and those of its outputs that can be had now. */
export interface ActiveClaim extends PendingClaim {
  readonly claimables: readonly [Claimable, ...Claimable[]];
}

/** What the fee estimator says now. */
export interface ClaimFeerates {
  /** `urgent-on-chain-sweep` */
  readonly urgent: FeeratePerKw;
  /** `output-spending-fee` */
  readonly relaxed: FeeratePerKw;
}

/** Most inputs of one claim: it stays small enough to be relayed and quick to sign. */
const maxInputs = 100;
/** So many HTLC transactions together leave room for coins in a transaction of version 3: 10,000 virtual bytes. */
const maxTrucHtlcs = 50;

/** A monitor with its claims as they should be, and those of them that have something to do now. */
export interface ClaimPlan {
  readonly monitor: ChannelMonitor;
  readonly active: readonly ActiveClaim[];
}

/**
 * Brings the claims up to date at `height`, that of the best block: what somebody took is taken out of them, what is
 * new is claimed, and what has waited for long pays more. The same monitor when nothing changes.
 *
 * Claims are formed once and never joined: an output that a reorganisation gives back has a claim of its own, since
 * its old one may be on its way without it.
 */
export function planClaims(
  monitor: ChannelMonitor,
  at: { readonly height: number; readonly feerates: ClaimFeerates },
): ClaimPlan {
  const { height, feerates } = at;
  const open = new Map(claimables(monitor, height).map((one) => [outPointKey(one.outPoint), one]));
  const takers = new Map(monitor.chain.spends.map(({ outPoint, txid }) => [outPointKey(outPoint), txid]));
  const claims: PendingClaim[] = [];
  const active: ActiveClaim[] = [];
  const keep = (claim: PendingClaim, inputs: ActiveClaim["claimables"]): void => {
    claims.push(claim);
    active.push({ ...claim, claimables: inputs });
  };
  for (const claim of monitor.claims) {
    const left = take(open, claim.outPoints);
    if (!isFilled(left)) {
      if (isConfirmedWhole(takers, claim)) claims.push(claim);
      continue;
    }
    const isWhole = left.length === claim.outPoints.length;
    const reduced = isWhole ? claim : { ...claim, outPoints: left.map(({ outPoint }) => outPoint) };
    // After a reorganisation, or the lie of a chain source: no block could have it before the height that is gone.
    const current = claim.setAt > height ? { ...reduced, setAt: height } : reduced;
    const rich = parted(monitor, current, { inputs: left, height, feerates });
    if (rich === undefined) {
      keep(raised(monitor, current, { inputs: left, height, feerates }), left);
      continue;
    }
    const { claimables: kept, ...others } = rich;
    keep(others, kept);
    for (const one of left) if (!kept.includes(one)) open.set(outPointKey(one.outPoint), one);
  }
  for (const group of groups(monitor, [...open.values()], feerates)) {
    const situation = feeSituation(monitor, group, { height, estimate: estimateFor(group, feerates) });
    const outPoints = group.map(({ outPoint }) => outPoint);
    keep({ id: idOf(monitor, outPoints), outPoints, feerate: firstFeerate(situation), setAt: height }, group);
  }
  const isSame =
    claims.length === monitor.claims.length && claims.every((one, i) => one === monitor.claims[i]);
  return { monitor: isSame ? monitor : { ...monitor, claims }, active };
}

/** The claims that may still need something: not those of which every output was taken for good. */
export function unsettledClaims({ claims, chain }: ChannelMonitor, height: number): readonly ClaimId[] {
  const final = chain.spends.filter((spend) => isFinal(spend.height, height));
  const gone = new Set(final.map(({ outPoint }) => outPointKey(outPoint)));
  const isOpen = ({ outPoints }: PendingClaim) => outPoints.some((one) => !gone.has(outPointKey(one)));
  return claims.filter(isOpen).map(({ id }) => id);
}

/** Takes those of `outPoints` that are open. */
function take(open: Map<string, Claimable>, outPoints: readonly OutPoint[]): readonly Claimable[] {
  return outPoints.flatMap((outPoint) => {
    const key = outPointKey(outPoint);
    const claimable = open.get(key);
    open.delete(key);
    return claimable === undefined ? [] : [claimable];
  });
}

function isFilled<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0;
}

/** Whether one transaction took all of it: a reorganisation that undoes this finds the claim as it was. */
function isConfirmedWhole(takers: ReadonlyMap<string, Txid>, { outPoints }: PendingClaim): boolean {
  const [first, ...others] = outPoints.map((outPoint) => takers.get(outPointKey(outPoint)));
  return first !== undefined && others.every((taker) => taker === first);
}

interface Raise {
  readonly inputs: readonly Claimable[];
  readonly height: number;
  readonly feerates: ClaimFeerates;
}

/**
 * Where fees have risen so far that some of a claim's outputs are not worth theirs any more: the claim of the others alone,
 * which pays more than the one that it replaces. `undefined` when it is not to be raised, or they cannot pay that. What a
 * wallet pays for stays together: its transactions replace one another as wholes.
 */
function parted(
  monitor: ChannelMonitor,
  claim: PendingClaim,
  { inputs, height, feerates }: Raise,
): ActiveClaim | undefined {
  const rich = inputs.filter((one) => one.kind === "direct" && !isPoor(monitor, one, feerates));
  if (!isFilled(rich) || rich.length === inputs.length) return undefined;
  const at = { height, estimate: estimateFor(inputs, feerates) };
  const before = feeSituation(monitor, inputs, at);
  if (height < claim.setAt + blocksUntilRaise(before.blocksLeft)) return undefined;
  const situation = feeSituation(monitor, rich, at);
  // So much for each of its weight units is what the whole paid.
  const paid = (claim.feerate * BigInt(before.weight)) / BigInt(situation.weight);
  const feerate = raisedFeerate(feeratePerKw(paid), situation);
  if (feerate === undefined) return undefined;
  const outPoints = rich.map(({ outPoint }) => outPoint);
  return { ...claim, outPoints, feerate, setAt: height, claimables: rich };
}

/** Whether an output costs more than it brings. */
function isPoor(monitor: ChannelMonitor, claimable: Claimable, feerates: ClaimFeerates): boolean {
  return claimable.value < feeOf(estimateFor([claimable], feerates), claimableWeight(monitor, claimable));
}

function raised(
  monitor: ChannelMonitor,
  claim: PendingClaim,
  { inputs, height, feerates }: Raise,
): PendingClaim {
  const situation = feeSituation(monitor, inputs, { height, estimate: estimateFor(inputs, feerates) });
  if (height < claim.setAt + blocksUntilRaise(situation.blocksLeft)) return claim;
  const feerate = raisedFeerate(claim.feerate, situation);
  return feerate === undefined ? claim : { ...claim, feerate, setAt: height };
}

function estimateFor(inputs: readonly Claimable[], { urgent, relaxed }: ClaimFeerates): FeeratePerKw {
  return inputs.some((one) => one.kind !== "holder-funding" || one.isUrgent) ? urgent : relaxed;
}

/**
 * Which outputs are claimed together: never those that the peer can spend soon with others, since by spending one it would
 * hold up all; nor those that are worth their fee with those that are not; and of HTLC transactions those that the peer's
 * signatures let join. What is worth most comes first: a wallet may have coins for that only.
 */
function groups(
  monitor: ChannelMonitor,
  open: readonly Claimable[],
  feerates: ClaimFeerates,
): readonly ActiveClaim["claimables"][] {
  const byName = new Map<string, Claimable[]>();
  for (const claimable of open.toSorted((a, b) => Number(b.value - a.value))) {
    const name = groupName(monitor, claimable, feerates);
    const group = byName.get(name);
    if (group === undefined) byName.set(name, [claimable]);
    else group.push(claimable);
  }
  const parts: ActiveClaim["claimables"][] = [];
  const { version } = formatOf(monitor.setup.params.format);
  for (const group of byName.values()) {
    const most = version === 3 && group[0]?.kind === "holder-htlc" ? maxTrucHtlcs : maxInputs;
    for (let at = 0; at < group.length; at += most) {
      const part = group.slice(at, at + most);
      if (isFilled(part)) parts.push(part);
    }
  }
  return parts;
}

function groupName(monitor: ChannelMonitor, claimable: Claimable, feerates: ClaimFeerates): string {
  const worth = isPoor(monitor, claimable, feerates) ? "poor" : "rich";
  const name = `${claimable.isContested ? "contested" : "safe"} ${worth}`;
  switch (claimable.kind) {
    case "direct":
      return name;
    case "holder-htlc": {
      const { htlcSighashType } = formatOf(monitor.setup.params.format);
      if (htlcSighashType === sighashAll) return outPointKey(claimable.outPoint);
      return `${name} ${claimable.built.secondStage.locktime}`;
    }
    case "holder-funding":
      return outPointKey(claimable.outPoint);
  }
}

/** Of the channel as well: a peer can open one whose funding is said to be an output that another channel claims. */
function idOf({ setup }: ChannelMonitor, outPoints: readonly OutPoint[]): ClaimId {
  const index = (n: number): Uint8Array => Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n);
  const parts = outPoints.flatMap((one) => [fromHex(one.txid), index(one.index)]);
  return claimIdOf(crypto().sha256(concatBytes(fromHex(setup.channelId), ...parts)));
}
