import type { Info } from "./types.ts";

/** A thin space that does not break: 1 234 567 stays on one line and reads as one number. */
const separator = "\u202f";

function grouped(digits: string): string {
  return digits.replaceAll(/\B(?=(?:\d{3})+$)/g, separator);
}

/**
 * Millisatoshi, as the API writes them, in sat; with the three digits behind the point only where they are not zero.
 */
export function formatMsat(msat: string | bigint): string {
  const value = BigInt(msat);
  const size = value < 0n ? -value : value;
  const rest = size % 1000n;
  const fraction = rest === 0n ? "" : `.${rest.toString().padStart(3, "0")}`;
  return `${value < 0n ? "−" : ""}${grouped((size / 1000n).toString())}${fraction} sat`;
}

/** Satoshi, as the API writes them, with thin separators. */
export function formatSat(sat: string | bigint): string {
  return formatMsat(BigInt(sat) * 1000n);
}

/**
 * What a user typed as an amount, in millisatoshi; `undefined` when it is no amount above zero. Spaces and commas
 * group.
 */
export function parseSat(text: string): string | undefined {
  const [, whole, fraction = ""] =
    /^([0-9]{1,16})(?:\.([0-9]{1,3}))?$/.exec(text.replaceAll(/[\s,_]/gu, "")) ?? [];
  if (whole === undefined) return undefined;
  const msat = BigInt(whole) * 1000n + BigInt(fraction.padEnd(3, "0"));
  return msat === 0n ? undefined : msat.toString();
}

/** The ends of a long id, enough to tell two apart. */
export function shortId(id: string): string {
  return id.length <= 16 ? id : `${id.slice(0, 8)}…${id.slice(-6)}`;
}

/** `2026-11-23 12:34:56` in the reader's time zone. */
export function formatTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A time below a chart whose times are `step` seconds apart, in the reader's time zone. */
export function axisTime(seconds: number, step: number): string {
  const time = formatTime(seconds);
  return step >= 86_400 ? time.slice(0, 10) : step >= 60 ? time.slice(5, 16) : time.slice(11);
}

/** Pixels that labels of 12 pixels beside a chart need at the most, with the ticks. */
export function axisWidth(labels: readonly string[]): number {
  return 24 + 8 * Math.max(4, ...labels.map(({ length }) => length));
}

/** What a node is doing; or when that was known last, where it `isOld`. */
export function nodeInWords(
  {
    network,
    phase,
    chain,
    peers,
    now,
  }: Pick<Info, "network" | "phase" | "peers" | "now"> & {
    readonly chain: Pick<Info["chain"], "height" | "tip" | "isSynced">;
  },
  isOld: boolean,
): string {
  if (isOld) return `${network}, as it was at ${formatTime(now)}`;
  const block = `block ${chain.height}${chain.isSynced ? "" : ` of ${chain.tip}`}`;
  return `${network}, ${phase}, ${block}, ${peers} ${peers === 1 ? "peer" : "peers"}`;
}

/** About how long some blocks take, for people. */
export function blocksInWords(blocks: number): string {
  const minutes = blocks * 10;
  const about =
    minutes < 90
      ? `${minutes} min`
      : minutes < 2880
        ? `${Math.round(minutes / 60)} h`
        : `${Math.round(minutes / 1440)} days`;
  return `${blocks} ${blocks === 1 ? "block" : "blocks"}, about ${about}`;
}

/** A text of the node as a sentence: a capital letter, a full stop, and amounts that are grouped as all others are. */
export function sentence(text: string): string {
  const shown = text.replaceAll(/\b[0-9]{4,}(?=(\.[0-9]+)? sat\b)/g, grouped);
  return `${shown.slice(0, 1).toUpperCase()}${shown.slice(1)}${/[.!?]$/.test(shown) ? "" : "."}`;
}
