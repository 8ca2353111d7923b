import { installNodeCrypto } from "@fulmen/crypto-node";
import type { BenchLine, Role } from "./fulmen/benchLine.ts";
import { CountingStore } from "./fulmen/countingStore.ts";
import { fewestChannels, forwardingLine } from "./fulmen/forwardingLine.ts";
import { invoicesOf, payAll } from "./fulmen/payments.ts";
import type { BenchResult, MeasuredCase, MeasuredTable } from "./measuredCase.ts";

const many = 5_000;
const pastPayments = 100_000;
const mostBytes = 24_000;
/** By how many per cent the figures of old and of large nodes may differ from those of a new one. */
const mostDifference = 5;

const amountMsat = 1_000_000;
const roles = ["payer", "hop", "payee"] as const;
/** Counted in a row: a secret of the peer and an acknowledgement come now with this batch, now with that one. */
const counted = 16;
/** Past payments are made so many at a time: the more at once, the fewer commitments they leave behind. */
const together = 10;

/**
 * The bytes that one forwarded payment writes on the payer, the hop and the payee together: keys and values handed to
 * `KVStore.commit`, one payment at a time. Of nodes that are new, of a hop with 5,000 channels, and after 100,000
 * payments.
 */
export async function writesBench(): Promise<BenchResult> {
  installNodeCrypto();
  const young = await writingWorld(fewestChannels);
  const few = await bytesOfPayment(young);
  const large = await bytesOfPayment(await writingWorld(many));
  for (let paid = 0; paid < pastPayments; paid += together) {
    await payAll(young.line, invoicesOf(young.line.node("payee"), amountMsat, together));
  }
  const old = await bytesOfPayment(young);
  const cases: MeasuredCase[] = [
    bytesCase("one payment", few, mostBytes),
    bytesCase(`one payment, hop with ${many} channels`, large),
    differenceCase(`${many} channels, difference`, large, few),
    bytesCase(`one payment, ${pastPayments} past ones`, old),
    differenceCase(`${pastPayments} past payments, difference`, old, few),
  ];
  return {
    cases,
    tables: [factsTable("bytes written by one payment", few), factsTable("after many payments", old)],
    notes: [
      `keys and values handed to the stores; the mean of ${counted} payments in a row, one at a time`,
      `past payments were made ${together} at a time`,
      "a fact is named by its key, without ids and numbers: see docs/storage.md",
    ],
  };
}

/** Bytes of each fact, by role. */
export type WrittenBytes = Readonly<Record<(typeof roles)[number], ReadonlyMap<string, number>>>;

/** Nodes in a line, and what is written to their stores. */
export interface WritingWorld {
  readonly line: BenchLine;
  readonly storeOf: (role: Role) => CountingStore;
}

/** A payer, a payee and a hop between them that has so many channels. */
export async function writingWorld(channels: number): Promise<WritingWorld> {
  const stores = new Map<Role, CountingStore>();
  const storeOf = (role: Role): CountingStore => {
    const store = stores.get(role) ?? new CountingStore();
    stores.set(role, store);
    return store;
  };
  return { line: await forwardingLine(channels, { storeOf }), storeOf };
}

/** What one payment writes: the mean of a few, one at a time. */
export async function bytesOfPayment({ line, storeOf }: WritingWorld): Promise<WrittenBytes> {
  const pay = async (count: number): Promise<void> => {
    for (const invoice of invoicesOf(line.node("payee"), amountMsat, count)) await payAll(line, [invoice]);
  };
  await pay(counted);
  for (const role of roles) storeOf(role).clear();
  await pay(counted);
  const of = (role: Role): ReadonlyMap<string, number> =>
    new Map([...storeOf(role).bytes].map(([fact, bytes]) => [fact, bytes / counted]));
  return { payer: of("payer"), hop: of("hop"), payee: of("payee") };
}

/** Of all facts and roles. */
export function sumOf(bytes: WrittenBytes): number {
  return roles.reduce((sum, role) => sum + totalOf(bytes[role]), 0);
}

function totalOf(facts: ReadonlyMap<string, number>): number {
  return [...facts.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function bytesCase(name: string, bytes: WrittenBytes, target?: number): MeasuredCase {
  return {
    name,
    unit: "bytes",
    better: "lower",
    ours: sumOf(bytes),
    ...(target !== undefined && { target }),
  };
}

function differenceCase(name: string, bytes: WrittenBytes, few: WrittenBytes): MeasuredCase {
  const difference = 100 * Math.abs(sumOf(bytes) / sumOf(few) - 1);
  return { name, unit: "%", better: "lower", ours: difference, target: mostDifference };
}

function factsTable(name: string, bytes: WrittenBytes): MeasuredTable {
  const facts = new Set(roles.flatMap((role) => [...bytes[role].keys()]));
  const row = (fact: string, of: (facts: ReadonlyMap<string, number>) => number) => {
    const [payer, hop, payee] = roles.map((role) => of(bytes[role]));
    const figures = [payer, hop, payee].map((figure = 0) => Math.round(figure));
    return {
      fact,
      payer: figures[0] ?? 0,
      hop: figures[1] ?? 0,
      payee: figures[2] ?? 0,
      all: figures.reduce((sum, figure) => sum + figure, 0),
    };
  };
  const rows = [...facts].sort().map((fact) => row(fact, (of) => of.get(fact) ?? 0));
  return { name, rows: [...rows, row("all", totalOf)] };
}
