import type { Client } from "@fulmen/client";
import type { VNode } from "preact";
import { encode } from "uqr";
import { formatMsat, formatTime, parseSat, sentence, shortId } from "../model/format.ts";
import { paymentAmount, paymentStatus, paymentTitle } from "../model/paymentText.ts";
import { remedyOf } from "../model/remedy.ts";
import type { NodeStore } from "../model/store.ts";
import type { Payment } from "../model/types.ts";
import { confirmed } from "./confirmed.ts";
import { Field, Form, refusal, type Submit } from "./form.ts";
import { h } from "./h.ts";

/** A QR code, black on white in every theme: readers need it so. */
function QrCode({ text, label }: { readonly text: string; readonly label: string }): VNode {
  const { data, size } = encode(text, { ecc: "L", border: 3 });
  const path = data
    .flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : "")))
    .join("");
  return h(
    "svg",
    {
      class: "qr",
      viewBox: `0 0 ${size} ${size}`,
      role: "img",
      "aria-label": label,
      shapeRendering: "crispEdges",
    },
    [h("rect", { width: size, height: size, fill: "#fff" }), h("path", { d: path, fill: "#000" })],
  );
}

const wrongAmount = (): VNode =>
  refusal(
    "This is no amount.",
    "Write satoshi above zero, like 2500 or 2500.5; three digits behind the point are msat.",
  );

/** The form that makes an invoice, with its QR code. */
export function ReceiveForm({ store }: { readonly store: NodeStore }): VNode {
  const submit: Submit = async (value) => {
    const amountMsat = parseSat(value("receive-amount"));
    if (value("receive-amount") !== "" && amountMsat === undefined) return wrongAmount();
    const description = value("receive-description");
    const { invoice, expiresAt } = await store.client.receive({
      ...(amountMsat !== undefined && { amountMsat }),
      ...(description !== "" && { description }),
    });
    void store.refresh();
    return [
      h(QrCode, { text: invoice.toUpperCase(), label: "QR code of the invoice" }),
      h("p", { class: "quiet" }, `Good until ${formatTime(expiresAt)}.`),
      h("label", { for: "invoice-text" }, "Invoice"),
      h("textarea", { id: "invoice-text", readOnly: true, value: invoice }),
      h("button", { type: "button", onClick: () => void navigator.clipboard?.writeText(invoice) }, "Copy"),
    ];
  };
  return h("section", { class: "card" }, [
    h("h2", null, "Receive"),
    h(Form, { name: "Receive", button: "Make an invoice", submit }, [
      h(Field, {
        name: "receive-amount",
        label: "Amount in sat",
        hint: "Empty: the payer chooses.",
        isNumber: true,
      }),
      h(Field, { name: "receive-description", label: "Description" }),
    ]),
  ]);
}

/** The form that pays an invoice, an address or a URI. */
export function PayForm({ store }: { readonly store: NodeStore }): VNode {
  const submit: Submit = async (value, clear) => {
    const typed = value("pay-amount");
    const amountMsat = parseSat(typed);
    if (typed !== "" && amountMsat === undefined) return wrongAmount();
    const to = value("pay-to");
    const asked = await store.client.decode({ text: to });
    const amount = asked.amountMsat ?? amountMsat;
    const agreed = await confirmed({
      title: amount === undefined ? "Pay what it asks for?" : `Pay ${formatMsat(amount)}?`,
      text: purposeOf(asked),
      action: "Pay",
    });
    if (!agreed) return "Nothing was paid.";
    const payment = await store.payKeys.pay({
      to,
      ...(amountMsat !== undefined && asked.amountMsat === undefined && { amountMsat }),
    });
    if (payment.status !== "failed") clear();
    void store.refresh();
    return h("p", { class: payment.status === "failed" ? "bad" : "good" }, paymentText(payment));
  };
  return h("section", { class: "card" }, [
    h("h2", null, "Pay"),
    h(Form, { name: "Pay", button: "Pay", submit }, [
      h(Field, { name: "pay-to", label: "Invoice, address or URI", isLong: true, isRequired: true }),
      h(Field, {
        name: "pay-amount",
        label: "Amount in sat",
        hint: "Only where the invoice names none.",
        isNumber: true,
      }),
    ]),
  ]);
}

/** What whoever is to be paid says that it is for. */
function purposeOf({ message, methods }: Awaited<ReturnType<Client["decode"]>>): string {
  const descriptions = methods.map((method) => (method.kind === "bolt11" ? method.description : undefined));
  const purpose = [message, ...descriptions].find((text) => text !== undefined && text !== "");
  return purpose === undefined ? "Nothing is said of what it is for." : `For “${purpose}”.`;
}

function paymentText({ status, amountMsat, feeMsat, failure }: Payment): string {
  switch (status) {
    case "succeeded":
      return `Paid ${formatMsat(amountMsat ?? "0")}, and ${formatMsat(feeMsat ?? "0")} in fees.`;
    case "failed":
      return `Not paid: ${failure?.text ?? "no reason given"}`;
    default:
      return "The payment is under way. It shows here when it ends.";
  }
}

const statusClass: Readonly<Record<Payment["status"], string>> = {
  succeeded: "good",
  failed: "bad",
  held: "warn",
  pending: "warn",
  expired: "quiet",
};

/** Payments, the newest first, page by page; changes are announced. */
export function PaymentList({ store }: { readonly store: NodeStore }): VNode {
  const { payments, hasMorePayments } = store.state;
  return h("section", { class: "card" }, [
    h("h2", { id: "payments" }, "Payments"),
    payments.length === 0
      ? h("p", { class: "quiet" }, "None yet. Make an invoice, or pay one.")
      : h(
          "ul",
          { class: "list", "aria-labelledby": "payments", "aria-live": "polite" },
          payments.map(paymentItem),
        ),
    hasMorePayments
      ? h(
          "button",
          { type: "button", class: "more", onClick: () => void store.morePayments() },
          "Older payments",
        )
      : null,
  ]);
}

function paymentItem(payment: Payment): VNode {
  const { id, direction, feeMsat, status, description, settledAt, createdAt, failure, payee } = payment;
  return h("li", { key: id }, [
    h("div", { class: "row" }, [
      h("span", null, `${paymentTitle(payment)}${description ? `: ${description}` : ""}`),
      h("strong", { class: "num" }, paymentAmount(payment)),
    ]),
    h("div", { class: "row quiet" }, [
      h("span", null, formatTime(settledAt ?? createdAt)),
      h("span", { class: statusClass[status] }, paymentStatus(payment)),
    ]),
    feeMsat === undefined || feeMsat === "0"
      ? null
      : h("p", { class: "quiet" }, `Fee ${formatMsat(feeMsat)}`),
    payee === undefined || direction === "received"
      ? null
      : h("p", { class: "quiet" }, ["To ", h("span", { class: "id", title: payee }, shortId(payee))]),
    failure === undefined ? null : h(Failure, failure),
  ]);
}

function Failure({ code, text }: { readonly code: string; readonly text: string }): VNode {
  const remedy = remedyOf(code);
  return h("div", { class: "failure" }, [
    h("p", { class: "bad" }, sentence(text)),
    remedy === undefined ? null : h("p", { class: "quiet" }, remedy),
  ]);
}
