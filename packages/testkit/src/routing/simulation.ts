import {
  defaultMaxFee,
  feesOf,
  finalValueOf,
  type InFlightHtlcs,
  type Path,
  paymentParameters,
  type RouteParameters,
  type RouteRequest,
  type Router,
  type RouteSolver,
  type ScoreUpdate,
  triedPath,
} from "@fulmen/lightning/routing";
import { minus, msat, type ShortChannelId, sum, type UnixSeconds } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import { Dice } from "../network/index.ts";
import type { SimulatedPayment } from "./drawPayments.ts";
import type { HeldPart, PartFailure, SimulatedNetwork } from "./simulatedNetwork.ts";

/** Who chooses the ways, and learns from what became of them. */
export interface RouteChooser {
  readonly router: Pick<Router, "findRoute">;
  readonly scorer: ScoreUpdate;
}

export interface SimulationOptions {
  readonly network: SimulatedNetwork;
  readonly chooser: RouteChooser;
  /** When the first payment is made. */
  readonly now: UnixSeconds;
  /** From one payment to the next. Default 60. */
  readonly secondsBetween?: number;
  /** How often a payment is tried again. Default 6. */
  readonly retries?: number;
  /** How several parts are found; default: as the router does when it is not told. */
  readonly solver?: RouteSolver;
  /** Whether balances stay as they are when a payment succeeds. Default `false`. */
  readonly isStatic?: boolean;
  /**
   * Of so many channels, drawn at random, the balance is drawn anew after each payment: others pay, too. Default 20.
   * With 0 the balances change by these payments only.
   */
  readonly redrawsPerPayment?: number;
  /** For these channels. */
  readonly seed: number;
}

export interface PaymentOutcome {
  readonly amount: number;
  readonly isPaid: boolean;
  /** How often a route was asked for. */
  readonly attempts: number;
  /** Parts that were sent, those that failed included. */
  readonly partsSent: number;
  /** Parts that reached the payee; 0 when the payment was given up. */
  readonly parts: number;
  /** msat; 0 when it was given up. */
  readonly fee: number;
  readonly failures: readonly PartFailure[];
}

/** What a payment has come to so far. */
interface Progress {
  attempts: number;
  partsSent: number;
  readonly held: HeldPart[];
  readonly failedChannels: ShortChannelId[];
  readonly failures: PartFailure[];
}

const finalCltvExpiryDelta = 42;

function featuresOf(takesParts: boolean): Uint8Array {
  const needed = { var_onion_optin: "required", payment_secret: "required" } as const;
  return Features.of({ ...needed, ...(takesParts && { basic_mpp: "optional" }) }).toBytes();
}

/**
 * Makes payments by a simulated network, one after the other, as a `ChannelManager` would: a route is asked for, its
 * parts are sent, those that arrive wait for the others, and for what failed a route is asked for again that shuns the
 * channels at which it failed. The scorer learns of each part. Nothing depends on anything but the options.
 */
export class Simulation {
  readonly #options: SimulationOptions & Required<Omit<SimulationOptions, "solver">>;
  readonly #dice: Dice;
  #now: UnixSeconds;

  constructor(options: SimulationOptions) {
    this.#options = {
      secondsBetween: 60,
      retries: 6,
      isStatic: false,
      redrawsPerPayment: 20,
      ...options,
    };
    this.#dice = new Dice(options.seed);
    this.#now = options.now;
  }

  pay(payment: SimulatedPayment): PaymentOutcome {
    const { network, chooser, retries, isStatic } = this.#options;
    const progress: Progress = { attempts: 0, partsSent: 0, held: [], failedChannels: [], failures: [] };
    let isPaid = false;
    while (!isPaid && progress.attempts <= retries) {
      progress.attempts++;
      const found = chooser.router.findRoute(this.#requestFor(payment, progress));
      if (!found.ok) break;
      isPaid = this.#sendAll(found.value.paths, progress);
    }
    if (isPaid) {
      network.settle(progress.held, isStatic);
      for (const { path } of progress.held) chooser.scorer.paymentPathSuccessful(triedPath(path), this.#now);
    } else {
      network.release(progress.held);
    }
    this.#passTime();
    const { attempts, partsSent, held, failures } = progress;
    return {
      amount: payment.amount,
      isPaid,
      attempts,
      partsSent,
      parts: isPaid ? held.length : 0,
      fee: isPaid ? Number(sum(held.map(({ path }) => feesOf(path)))) : 0,
      failures,
    };
  }

  /** Whether all of them arrived. */
  #sendAll(paths: readonly Path[], progress: Progress): boolean {
    const { network, chooser } = this.#options;
    let haveArrived = true;
    for (const path of paths) {
      progress.partsSent++;
      const sent = network.send(path);
      if (sent.kind === "arrived") {
        progress.held.push(sent.held);
        continue;
      }
      haveArrived = false;
      progress.failures.push(sent.failure);
      progress.failedChannels.push(sent.shortChannelId);
      chooser.scorer.paymentPathFailed(triedPath(path), sent.shortChannelId, this.#now);
    }
    return haveArrived;
  }

  #requestFor(
    { payee, amount, takesParts }: SimulatedPayment,
    { held, failedChannels }: Progress,
  ): RouteRequest {
    const { network, solver } = this.#options;
    const whole = msat(amount);
    const parameters: RouteParameters = {
      paymentParameters: paymentParameters(
        {
          kind: "clear",
          nodeId: payee,
          routeHints: [],
          features: featuresOf(takesParts),
          finalCltvExpiryDelta,
        },
        { previouslyFailedChannels: [...failedChannels], ...(solver && { solver }) },
      ),
      finalValue: minus(whole, sum(held.map(({ path }) => finalValueOf(path)))),
      maxFee: minus(defaultMaxFee(whole), sum(held.map(({ path }) => feesOf(path)))),
    };
    return {
      payer: network.payer,
      parameters,
      firstHops: network.firstHops(),
      inFlightHtlcs: inFlightOf(held),
    };
  }

  #passTime(): void {
    const { network, chooser, secondsBetween, redrawsPerPayment } = this.#options;
    this.#now = (this.#now + secondsBetween) as UnixSeconds;
    for (let redraw = 0; redraw < redrawsPerPayment; redraw++) {
      network.balances.redraw(this.#dice.roll(network.dump.channels.length), this.#dice);
    }
    chooser.scorer.timePassed(this.#now);
  }
}

function inFlightOf(held: readonly HeldPart[]): readonly InFlightHtlcs[] {
  const byDirection = new Map<number, InFlightHtlcs>();
  for (const { direction, shortChannelId, source, amount } of held.flatMap(({ htlcs }) => htlcs)) {
    const before = byDirection.get(direction)?.amount ?? 0n;
    byDirection.set(direction, { shortChannelId, source, amount: msat(before + BigInt(amount)) });
  }
  return [...byDirection.values()];
}
