import type { Invoice } from "@fulmen/lightning/invoice";
import type { Msat, Sat } from "@fulmen/lightning/util";

/** One way in which somebody can be paid. */
export type PaymentMethod =
  | { readonly kind: "bolt11"; readonly text: string; readonly invoice: Invoice }
  | { readonly kind: "onchain"; readonly address: string; readonly script: Uint8Array };

/** What a text asks for: an invoice, an address, or a URI with several ways, the best first. */
export interface PaymentInstructions {
  /** At least one. */
  readonly methods: readonly PaymentMethod[];
  /** What is asked for over Lightning. */
  readonly amount?: Msat;
  /** What is asked for on chain. */
  readonly onchainAmount?: Sat;
  readonly label?: string;
  readonly message?: string;
}
