import { type Network, networks } from "@fulmen/bitcoin/network";
import { InvariantError } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { type Msat, maxU64, msat } from "../util/units.ts";
import type { InvoiceRefusal } from "./refusal.ts";

/** What stands before the last `1`: BOLT 11, "Human-Readable Part". */
export interface HumanReadablePart {
  readonly network: Network;
  readonly amount: Msat | undefined;
}

/** Tenths of a millisatoshi in one unit of each multiplier, the largest first. */
const multipliers: readonly (readonly [string, bigint])[] = [
  ["", 10n ** 12n],
  ["m", 10n ** 9n],
  ["u", 10n ** 6n],
  ["n", 10n ** 3n],
  ["p", 1n],
];

/** `ln`, the network, an amount: `lnbc2500u`. Lower case. */
export function parseHumanReadable(text: string): Result<HumanReadablePart, InvoiceRefusal> {
  const [, prefix, amountText = ""] = /^ln([a-z]*)(.*)$/.exec(text) ?? [];
  const network = Object.values(networks).find(({ bolt11Prefix }) => bolt11Prefix === prefix);
  if (network === undefined) return err({ kind: "unknown-network", prefix: text });
  if (amountText === "") return ok({ network, amount: undefined });
  const amount = parseAmount(amountText);
  return amount === undefined ? err({ kind: "invalid-amount", amount: amountText }) : ok({ network, amount });
}

/** The inverse of `parseHumanReadable`, with the largest multiplier that fits. */
export function formatHumanReadable({ network, amount }: HumanReadablePart): string {
  const prefix = `ln${network.bolt11Prefix}`;
  if (amount === undefined) return prefix;
  if (amount === 0n) throw new InvariantError("an invoice cannot ask for nothing: leave the amount out");
  const tenths = amount * 10n;
  for (const [letter, unit] of multipliers) {
    if (tenths % unit === 0n) return `${prefix}${tenths / unit}${letter}`;
  }
  throw new InvariantError("every amount is a multiple of a tenth");
}

/** A positive integer without leading zeros, at most 2^64 - 1 millisatoshis, none of them divided. */
function parseAmount(text: string): Msat | undefined {
  // Twenty-one digits are more than the largest amount in its smallest unit has.
  const [, digits, letter] = /^([1-9][0-9]{0,20})([munp]?)$/.exec(text) ?? [];
  const unit = multipliers.find(([name]) => name === letter)?.[1];
  if (digits === undefined || unit === undefined) return undefined;
  const tenths = BigInt(digits) * unit;
  return tenths % 10n !== 0n || tenths / 10n > maxU64 ? undefined : msat(tenths / 10n);
}
