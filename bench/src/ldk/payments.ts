import * as ldk from "lightningdevkit";
import type { Payments } from "../paymentsMeasurement.ts";
import { LdkBenchPair } from "./benchPair.ts";
import { loadLdk } from "./loadLdk.ts";

/**
 * LDK paying LDK in one process and thread: from `send_payment` (with its route search) to `PaymentSent`, over one
 * anchors channel through two `PeerManager`s with encryption, persisting nothing. Invoices are made and parsed before
 * the clock starts. Each payment gives the event loop one turn, or LDK's finalizers never run and it slows down
 * several times over. Call it in a process of its own: WebAssembly memory never shrinks.
 */
export async function ldkPayments(amountMsat: number): Promise<Payments<PreparedPayment>> {
  await loadLdk();
  const pair = new LdkBenchPair();
  return {
    prepare: (count) => payments(pair.payee, amountMsat, count),
    pay: (together) => payAll(pair, together),
  };
}

export interface PreparedPayment {
  readonly hash: Uint8Array;
  readonly onion: ldk.RecipientOnionFields;
  readonly route: ldk.RouteParameters;
}

function payments(
  payee: LdkBenchPair["payee"],
  amountMsat: number,
  count: number,
): readonly PreparedPayment[] {
  return Array.from({ length: count }, () => {
    const created = payee.manager.create_bolt11_invoice(
      ldk.Option_u64Z.constructor_some(BigInt(amountMsat)),
      ldk.Bolt11InvoiceDescription.constructor_direct(ldk.Description.constructor_empty()),
      ldk.Option_u32Z.constructor_some(86_400),
      ldk.Option_u16Z.constructor_none(),
      ldk.Option_ThirtyTwoBytesZ.constructor_none(),
    );
    if (!(created instanceof ldk.Result_Bolt11InvoiceSignOrCreationErrorZ_OK)) throw new Error("invoice");
    const parameters = ldk.UtilMethods.constructor_payment_parameters_from_invoice(created.res);
    if (
      !(parameters instanceof ldk.Result_C3Tuple_ThirtyTwoBytesRecipientOnionFieldsRouteParametersZNoneZ_OK)
    ) {
      throw new Error("payment parameters");
    }
    const { res } = parameters;
    return { hash: res.get_a(), onion: res.get_b(), route: res.get_c() };
  });
}

async function payAll(pair: LdkBenchPair, together: readonly PreparedPayment[]): Promise<void> {
  for (const { hash, onion, route } of together) {
    const retry = ldk.Retry.constructor_attempts(1);
    const sent = pair.payer.manager.send_payment(hash, onion, hash, route, retry);
    if (!(sent instanceof ldk.Result_NoneRetryableSendFailureZ_OK)) throw new Error("send_payment");
  }
  let paid = 0;
  pair.settle((event) => {
    if (event instanceof ldk.Event_PaymentSent) paid++;
  });
  if (paid !== together.length) throw new Error(`${paid} of ${together.length} payments went through`);
  for (let turn = 0; turn < together.length; turn++) await new Promise((resolve) => setImmediate(resolve));
}
