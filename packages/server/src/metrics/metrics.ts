import type { NodeApi } from "@fulmen/node";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/**
 * What a timer measures that wakes the process a hundred times a second, which is most of what an idle daemon would do;
 * each of them has the timer's 10 ms in it. The lag at the moment of asking is left.
 */
const lagFigures = ["min", "max", "mean", "stddev", "p50", "p90", "p99"] as const;
/** The longest interval of a timer, in milliseconds. */
const never = 2 ** 31 - 1;

/** Metrics of one daemon, for Prometheus. Those of the node are read when they are asked for. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Histogram<"operation" | "status">;
  readonly #refused: Counter<"code">;

  constructor(node: NodeApi, openStreams: () => number) {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: never });
    for (const name of lagFigures) this.#registry.removeSingleMetric(`nodejs_eventloop_lag_${name}_seconds`);
    const registers = [this.#registry];
    this.#requests = new Histogram({
      name: "fulmen_http_request_seconds",
      help: "How long requests took, by operation and status",
      labelNames: ["operation", "status"],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
      registers,
    });
    this.#refused = new Counter({
      name: "fulmen_http_refused_total",
      help: "Requests that were refused, by the error's code",
      labelNames: ["code"],
      registers,
    });
    for (const { name, help, value } of gaugesOf(node, openStreams)) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    }
  }

  /** A request was answered. */
  answered(operation: string, status: number, seconds: number): void {
    this.#requests.observe({ operation, status: String(status) }, seconds);
  }

  /** A request was refused; `code` is one of the API's or the node's. */
  refused(code: string): void {
    this.#refused.inc({ code });
  }

  /** All metrics as Prometheus reads them. */
  async text(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }
}

interface GaugeOf {
  readonly name: string;
  readonly help: string;
  readonly value: () => number;
}

/** Amounts lose their last digits here above 2^53 msat; the API has them whole. */
function gaugesOf(node: NodeApi, openStreams: () => number): readonly GaugeOf[] {
  const status = () => node.status();
  const balances = () => node.balances();
  return [
    {
      name: "fulmen_up",
      help: "1 while the node works",
      value: () => (status().phase === "running" ? 1 : 0),
    },
    { name: "fulmen_chain_height", help: "Height of the last block", value: () => status().chain.height },
    {
      name: "fulmen_chain_synced",
      help: "1 while the node is at the chain's tip and its source answers",
      value: () => (status().chain.isSynced && status().chain.problem === undefined ? 1 : 0),
    },
    { name: "fulmen_peers", help: "Connected peers", value: () => status().peers },
    { name: "fulmen_channels_open", help: "Open channels", value: () => status().channels.open },
    {
      name: "fulmen_channels_usable",
      help: "Channels that carry payments now",
      value: () => status().channels.usable,
    },
    { name: "fulmen_channels_closing", help: "Closing channels", value: () => status().channels.closing },
    { name: "fulmen_graph_channels", help: "Known channels of others", value: () => status().graph.channels },
    {
      name: "fulmen_warnings",
      help: "Warnings that `fulmen doctor` explains",
      value: () => status().warnings.length,
    },
    {
      name: "fulmen_onchain_sat",
      help: "Coins of the wallet",
      value: () => Number(balances().onchain.total),
    },
    {
      name: "fulmen_onchain_spendable_sat",
      help: "Coins that can be sent now",
      value: () => Number(balances().onchain.spendable.amount),
    },
    {
      name: "fulmen_lightning_msat",
      help: "Our side of channels",
      value: () => Number(balances().lightning.total),
    },
    {
      name: "fulmen_lightning_spendable_msat",
      help: "What can be paid now",
      value: () => Number(balances().lightning.spendable.amount),
    },
    {
      name: "fulmen_lightning_receivable_msat",
      help: "What can be received now",
      value: () => Number(balances().lightning.receivable.amount),
    },
    { name: "fulmen_event_index", help: "Index of the newest event", value: () => node.lastEventIndex },
    { name: "fulmen_event_streams", help: "Open streams of events", value: openStreams },
  ];
}
