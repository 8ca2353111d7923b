import { CliError, exitCodes } from "../cliError.ts";

const units: Readonly<Record<string, number>> = { "": 3, sat: 3, sats: 3, msat: 0, btc: 11 };

/** 21 million bitcoins, in millisatoshi. */
const allCoins = 2_100_000_000_000_000_000n;

/** An amount as people write it: `2500`, `2500sat`, `5msat`, `0.001btc`. In millisatoshi. */
export function parseAmount(text: string): bigint {
  const [, whole = "", fraction = "", unit = ""] =
    /^([0-9]{1,17})(?:\.([0-9]{1,11}))? ?([a-z]*)$/i.exec(text) ?? [];
  const digits = units[unit.toLowerCase()];
  const refusal = (why: string, remedy: string): CliError =>
    new CliError("invalid-amount", exitCodes.usage, `"${text.slice(0, 40)}" is ${why}.`, remedy);
  if (whole === "" || digits === undefined || fraction.length > digits)
    throw refusal("no amount", "Write 2500 or 2500sat, 5msat, or 0.001btc.");
  const amount = BigInt(whole + fraction.padEnd(digits, "0"));
  if (amount > allCoins)
    throw refusal("more than there will ever be", "Say the unit: 2500sat, 5msat, or 0.001btc.");
  return amount;
}

/** An amount in whole satoshi; refuses parts of one. */
export function parseSat(text: string): bigint {
  const amount = parseAmount(text);
  if (amount % 1000n !== 0n)
    throw new CliError(
      "invalid-amount",
      exitCodes.usage,
      `${text} is not a whole number of satoshi.`,
      "Round it.",
    );
  return amount / 1000n;
}

/** A whole number of an option, from `least` on. */
export function parseCount(text: string, option: string, least = 0): number {
  const count = /^[0-9]{1,15}$/.test(text) ? Number(text) : -1;
  if (count >= least) return count;
  throw new CliError(
    "invalid-number",
    exitCodes.usage,
    `--${option} is "${text.slice(0, 40)}".`,
    `Give a whole number${least === 0 ? "" : `, ${least} or more`}.`,
  );
}

/** `1234567` msat as `1,234.567 sat`. */
export function showMsat(msat: string | bigint): string {
  const amount = BigInt(msat);
  const size = amount < 0n ? -amount : amount;
  const rest = size % 1000n;
  const fraction = rest === 0n ? "" : `.${rest.toString().padStart(3, "0")}`;
  return `${amount < 0n ? "-" : ""}${grouped(size / 1000n)}${fraction} sat`;
}

/** `1234567` sat as `1,234,567 sat`. */
export function showSat(sat: string | bigint): string {
  return showMsat(BigInt(sat) * 1000n);
}

/** A text of the node with its amounts grouped as `showSat` does. */
export function withGroupedAmounts(text: string): string {
  return text.replaceAll(/\b[0-9]{4,16}(?=(\.[0-9]+)? sat\b)/g, (digits) => grouped(BigInt(digits)));
}

function grouped(value: bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Seconds since 1970 as a date and time that sort. */
export function showTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
}
