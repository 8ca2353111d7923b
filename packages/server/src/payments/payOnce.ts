import { createHash } from "node:crypto";
import type { InputOf } from "@fulmen/api";
import { feeratePerKw, msat } from "@fulmen/lightning/util";
import {
  chosenMethod,
  type NodeApi,
  NodeError,
  type Payment,
  type PaymentMethod,
  type PayOptions,
} from "@fulmen/node";
import { RequestRefusal } from "../refusal.ts";
import type { PaymentKeys } from "./paymentKeys.ts";

type PayInput = InputOf<"pay">;

const defaultTimeoutSeconds = 60;

/**
 * Carries out payments. A key that came with one never pays twice: asked again, it gives the payment as it stands. An
 * invoice is never paid twice either, since the node names its payment by its hash.
 */
export class Payer {
  readonly #node: NodeApi;
  readonly #keys: PaymentKeys;
  readonly #underWay = new Map<string, Promise<Payment>>();

  constructor(node: NodeApi, keys: PaymentKeys) {
    this.#node = node;
    this.#keys = keys;
  }

  /** `mayPayOnchain`: whoever asks may also spend the wallet's coins. */
  async pay(input: PayInput, key: string | undefined, mayPayOnchain: boolean): Promise<Payment> {
    if (!mayPayOnchain && this.#methodOf(input).kind === "onchain")
      throw new RequestRefusal(
        "scope-missing",
        "This is a payment on chain, and the scope pay is for payments over Lightning.",
        "Use a token with the scope admin, or ask the payee for an invoice.",
      );
    if (key === undefined) return this.#node.pay(input.to, optionsOf(input));
    if (!/^[!-~]{1,80}$/.test(key))
      throw new RequestRefusal(
        "bad-request",
        "The Idempotency-Key is not 1 to 80 printable characters.",
        "Use a random UUID.",
      );
    const fingerprint = fingerprintOf(input);
    const known = this.#keys.find(key);
    if (known !== undefined && known.fingerprint !== fingerprint)
      throw new RequestRefusal(
        "idempotency-conflict",
        "This Idempotency-Key came with another payment before.",
        "Use a key of its own for each payment.",
      );
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    const paying =
      known === undefined ? this.#begin(input, key, fingerprint) : this.#goOn(input, key, known.paymentId);
    this.#underWay.set(key, paying);
    try {
      return await paying;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #begin(input: PayInput, key: string, fingerprint: string): Promise<Payment> {
    await this.#keys.set(key, { fingerprint });
    try {
      const payment = await this.#node.pay(input.to, optionsOf(input));
      await this.#keys.set(key, { fingerprint, paymentId: payment.id });
      return payment;
    } catch (error) {
      const paymentId = error instanceof NodeError ? error.details["paymentId"] : undefined;
      if (typeof paymentId === "string") await this.#keys.set(key, { fingerprint, paymentId });
      // A refusal without a payment: nothing has left, and the same may be tried again.
      else if (error instanceof NodeError) await this.#keys.delete(key);
      throw error;
    }
  }

  /** The payment of a key that is known; it is not known which one it is when the process died before it was said. */
  async #goOn(input: PayInput, key: string, paymentId: string | undefined): Promise<Payment> {
    const id = paymentId ?? this.#hashOf(input);
    if (id === undefined)
      throw new RequestRefusal(
        "idempotency-conflict",
        "The node stopped while this payment was made, and on chain nobody can tell whether it was sent.",
        "Look for it with `fulmen payments`; where it is missing, ask with another key.",
      );
    const payment = await this.#node.payment(id);
    if (payment === undefined && paymentId === undefined)
      return this.#begin(input, key, fingerprintOf(input));
    if (payment === undefined)
      throw new RequestRefusal(
        "idempotency-conflict",
        `The payment ${id} was made with this key, and is not written down yet.`,
        "Look for it with `fulmen payments` when the node's store works; do not pay in another way before.",
      );
    if (payment.status === "failed")
      throw new NodeError("payment-failed", payment.failure?.text ?? "The payment failed.", {
        remedy:
          payment.kind === "onchain"
            ? "See in the wallet's history what took its place: a raised fee pays the same. If nothing did, ask with another key."
            : "Ask with another key to try it again.",
        details: { paymentId: payment.id, reason: payment.failure?.code ?? "unknown" },
      });
    return payment;
  }

  /** What the node calls a payment of an invoice. */
  #hashOf(input: PayInput): string | undefined {
    const method = this.#methodOf(input);
    return method.kind === "bolt11" ? method.invoice.paymentHash : undefined;
  }

  /** The way that the node will pay in. */
  #methodOf(input: PayInput): PaymentMethod {
    return chosenMethod(this.#node.parse(input.to), optionsOf(input));
  }
}

/** What the node is told of a payment. */
export function optionsOf(input: Partial<PayInput>): PayOptions {
  const { amountMsat, maxFeeMsat, feeratePerKw: rate, prefer, returnAtOnce, timeoutSeconds } = input;
  return {
    ...(amountMsat !== undefined && { amount: msat(BigInt(amountMsat)) }),
    ...(maxFeeMsat !== undefined && { maxFee: msat(BigInt(maxFeeMsat)) }),
    ...(rate !== undefined && { feerate: feeratePerKw(rate) }),
    ...(prefer !== undefined && { prefer }),
    ...(returnAtOnce !== undefined && { returnAtOnce }),
    timeoutSeconds: timeoutSeconds ?? defaultTimeoutSeconds,
  };
}

function fingerprintOf(input: PayInput): string {
  const { to, amountMsat = "", prefer = "" } = input;
  return createHash("sha256")
    .update(JSON.stringify([to, amountMsat, prefer]))
    .digest("hex");
}
