import { type Client, ClientError, newIdempotencyKey } from "@fulmen/client";
import type { Payment } from "./types.ts";

type PayInput = Parameters<Client["pay"]>[0];

/** Codes after which nobody here knows whether the payment was made. */
const unknownEnds = [
  "unreachable",
  "timeout",
  "aborted",
  "not-fulmen",
  "frozen",
  "internal",
  "idempotency-conflict",
];

/** Pays. What is asked for again since its answer was lost is the same payment, and not made twice. */
export class PayKeys {
  readonly #client: Client;
  /** Keys of payments of which it is not known how they ended, by what was asked. */
  readonly #open = new Map<string, string>();

  constructor(client: Client) {
    this.#client = client;
  }

  async pay(input: PayInput): Promise<Payment> {
    const asked = JSON.stringify(input);
    const idempotencyKey = this.#open.get(asked) ?? newIdempotencyKey();
    this.#open.set(asked, idempotencyKey);
    let isKnown = true;
    try {
      return await this.#client.pay(input, { idempotencyKey });
    } catch (error) {
      isKnown = error instanceof ClientError && !unknownEnds.includes(error.code);
      throw error;
    } finally {
      if (isKnown) this.#open.delete(asked);
    }
  }
}
