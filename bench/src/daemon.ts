import { setTimeout as sleep } from "node:timers/promises";
import { benchGraph } from "./benchGraph.ts";
import { askEvenly } from "./daemon/apiLoad.ts";
import { DaemonField, until } from "./daemon/daemonField.ts";
import type { DaemonProcess } from "./daemon/daemonProcess.ts";
import { type BenchResult, median } from "./measuredCase.ts";
import { buildWorkspace } from "./startup/bundles.ts";

const channels = 10;
const perSecond = 200;
const lanes = 2;
/** Until a started daemon has nothing left to do, and how long it is looked at then. */
const settleSeconds = 5;
const idleSeconds = 10;
const loadSeconds = 10;

interface Round {
  readonly readyMs: number;
  readonly idleMegabytes: number;
  /** Percent of a core. */
  readonly idleCpu: number;
  readonly p50: number;
  readonly p99: number;
  readonly paymentsPerSecond: number;
  readonly loadedMegabytes: number;
  /** Percent of a core. */
  readonly loadedCpu: number;
}

/**
 * The daemon as users run it, with channels and the public network's graph: how long it takes to start, what it needs
 * while nothing happens, and how long its API takes to answer while payments run.
 */
export async function daemonBench(rounds: number): Promise<BenchResult> {
  await buildWorkspace();
  const { dump, source } = benchGraph();
  const field = await DaemonField.open(channels, dump);
  const measured: Round[] = [];
  try {
    for (let round = 0; round < rounds; round++) measured.push(await measure(field));
  } finally {
    await field.end();
  }
  const of = (name: keyof Round): number => median(measured.map((one) => one[name]));
  const lower = { better: "lower" } as const;
  return {
    cases: [
      { name: `start, ${channels} channels`, unit: "ms", ...lower, ours: of("readyMs"), target: 1_000 },
      { name: "memory, idle", unit: "MB", ...lower, ours: of("idleMegabytes"), target: 150 },
      { name: "processor, idle", unit: "% of a core", ...lower, ours: of("idleCpu"), target: 1 },
      { name: `API, p99 at ${perSecond}/s`, unit: "ms", ...lower, ours: of("p99"), target: 20 },
      { name: `API, p50 at ${perSecond}/s`, unit: "ms", ...lower, ours: of("p50") },
      { name: "payments meanwhile", unit: "/s", better: "higher", ours: of("paymentsPerSecond") },
      { name: "memory, under load", unit: "MB", ...lower, ours: of("loadedMegabytes") },
      { name: "processor, under load", unit: "% of a core", ...lower, ours: of("loadedCpu") },
    ],
    notes: [
      `graph: ${source}; medians of ${rounds} rounds, each with a start of its own`,
      "start: from that of the process until it says that it is ready, graph loaded, store in SQLite, chain from bitcoind",
      `idle: ${idleSeconds} s, ${settleSeconds} s after the start; memory: resident at their end`,
      `API: for ${loadSeconds} s, from when each request was due; one in ten makes an invoice`,
      `payments: ${lanes} at a time to other daemons on this machine, each asked for by the API, too`,
    ],
  };
}

async function measure(field: DaemonField): Promise<Round> {
  const daemon = await field.start();
  await sleep(settleSeconds * 1_000);
  const before = await daemon.usage();
  await sleep(idleSeconds * 1_000);
  const idle = await daemon.usage();
  await until(async () => (await daemon.client.channels()).channels.every(({ isUsable }) => isUsable));
  const began = await daemon.usage();
  const begun = performance.now();
  const payments = new Payments(daemon, field.peers);
  const took = (await askEvenly(daemon, { perSecond, seconds: loadSeconds })).toSorted((a, b) => a - b);
  const paid = await payments.end();
  const loaded = await daemon.usage();
  // A machine that does not keep up takes longer.
  const seconds = (performance.now() - begun) / 1_000;
  await field.stop();
  const at = (part: number): number => took[Math.ceil(part * took.length) - 1] ?? Number.NaN;
  return {
    readyMs: daemon.readyMs,
    idleMegabytes: idle.bytes / 1e6,
    idleCpu: (100 * (idle.cpuSeconds - before.cpuSeconds)) / idleSeconds,
    p50: at(0.5),
    p99: at(0.99),
    paymentsPerSecond: paid / seconds,
    loadedMegabytes: loaded.bytes / 1e6,
    loadedCpu: (100 * (loaded.cpuSeconds - began.cpuSeconds)) / seconds,
  };
}

/** Payments from one daemon to others, several at a time, until they are ended. */
class Payments {
  #isEnded = false;
  #count = 0;
  readonly #lanes: Promise<unknown>;

  constructor(payer: DaemonProcess, payees: readonly DaemonProcess[]) {
    this.#lanes = Promise.all(payees.slice(0, lanes).map((payee) => this.#run(payer, payee)));
  }

  /** How many there were. */
  async end(): Promise<number> {
    this.#isEnded = true;
    await this.#lanes;
    return this.#count;
  }

  async #run(payer: DaemonProcess, payee: DaemonProcess): Promise<void> {
    while (!this.#isEnded) {
      const { invoice } = await payee.client.receive({ amountMsat: "100000" });
      await payer.client.pay({ to: invoice });
      if (!this.#isEnded) this.#count++;
    }
  }
}
