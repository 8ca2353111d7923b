import type { Client } from "@fulmen/client";
import { CliError, exitCodes } from "../cliError.ts";
import {
  parseAmount,
  parseCount,
  showMsat,
  showSat,
  showTime,
  withGroupedAmounts,
} from "../output/amounts.ts";
import { oneLine, qrCode, table } from "../output/terminal.ts";
import { type Answer, show } from "./answer.ts";
import { type CommonOptions, connect } from "./connection.ts";

/** `fulmen info` and `fulmen status`. */
export async function info(options: CommonOptions): Promise<void> {
  show(options, await connect(options).info(), (node) =>
    [
      `${oneLine(node.alias) || "A node"} on ${node.network}: ${node.phase}${node.failure === undefined ? "" : `: ${node.failure}`}`,
      `  id        ${node.nodeId}`,
      `  address   ${node.uri ?? "nobody can connect"}`,
      `  chain     block ${node.chain.height}${node.chain.isSynced ? "" : ` of ${node.chain.tip}`}, ${node.chain.source}${node.chain.problem === undefined ? "" : `: ${oneLine(node.chain.problem)}`}`,
      `  channels  ${node.channels.usable} usable of ${node.channels.open}, ${node.channels.closing} closing`,
      `  peers     ${node.peers}`,
      `  network   ${node.graph.nodes} nodes, ${node.graph.channels} channels known`,
      `  version   ${node.version}`,
      ...node.warnings.map(({ text, remedy }) => `  ! ${withGroupedAmounts(`${text}; ${remedy}`)}`),
    ].join("\n"),
  );
}

/** `fulmen balance`. */
export async function balance(options: CommonOptions): Promise<void> {
  show(options, await connect(options).balances(), ({ onchain, lightning, closing, totalMsat }) => {
    const row = (name: string, amount: string, explanation = ""): string[] => [
      ...[name, amount, withGroupedAmounts(explanation)],
    ];
    return table(
      ["", "amount", ""],
      [
        row("On chain", showSat(onchain.totalSat)),
        row("  spendable", showSat(onchain.spendable.amountSat), onchain.spendable.explanation),
        row("  reserved", showSat(onchain.reserved.amountSat), onchain.reserved.explanation),
        row("  locked", showSat(onchain.locked.amountSat), onchain.locked.explanation),
        ...onchain.pending.map((one) => row(`  ${one.reason}`, showMsat(one.amountMsat), one.explanation)),
        row("Lightning", showMsat(lightning.totalMsat)),
        row("  can pay", showMsat(lightning.spendable.amountMsat), lightning.spendable.explanation),
        row("  can receive", showMsat(lightning.receivable.amountMsat), lightning.receivable.explanation),
        row("  reserve", showMsat(lightning.reserve.amountMsat), lightning.reserve.explanation),
        ...closing.map((one) => row(`Closing: ${one.reason}`, showMsat(one.amountMsat), one.explanation)),
        row("In all", showMsat(totalMsat)),
      ],
    );
  });
}

/** `fulmen pay`. */
export async function pay(
  to: string,
  options: CommonOptions & { readonly amount?: string; readonly maxFee?: string; readonly key?: string },
): Promise<void> {
  const answer = await connect(options).pay(
    {
      to,
      ...(options.amount !== undefined && { amountMsat: parseAmount(options.amount).toString() }),
      ...(options.maxFee !== undefined && { maxFeeMsat: parseAmount(options.maxFee).toString() }),
    },
    options.key === undefined ? {} : { idempotencyKey: options.key },
  );
  show(options, answer, (payment) =>
    [
      payment.status === "succeeded"
        ? `Paid ${showMsat(payment.amountMsat ?? "0")}, fee ${showMsat(payment.feeMsat ?? "0")}.`
        : `The payment is ${payment.status}: fulmen payments ${payment.id}`,
      ...(payment.preimage === undefined ? [] : [`Proof: ${payment.preimage}`]),
      ...(payment.txid === undefined ? [] : [`Transaction: ${payment.txid}`]),
    ].join("\n"),
  );
}

/** `fulmen send-raw`. */
export async function sendRaw(
  peer: string,
  amount: string,
  paymentHash: string,
  options: CommonOptions & { readonly secret?: string; readonly expiryDelta: string },
): Promise<void> {
  const expiryDelta = parseCount(options.expiryDelta, "expiry-delta");
  const answer = await connect(options).sendRaw({
    peer,
    paymentHash,
    amountMsat: parseAmount(amount).toString(),
    ...(options.secret !== undefined && { paymentSecret: options.secret }),
    expiryDelta,
  });
  show(options, answer, ({ id }) => `Under way: fulmen payments ${id}`);
}

/** `fulmen receive`. */
export async function receive(
  amount: string | undefined,
  options: CommonOptions & {
    readonly description?: string;
    readonly expiry?: string;
    readonly qr?: boolean;
    readonly onchain?: boolean;
    readonly preimage?: string;
  },
): Promise<void> {
  const { description, expiry, preimage } = options;
  const expirySeconds = expiry === undefined ? undefined : parseCount(expiry, "expiry", 1);
  if (options.onchain === true && [amount, description, expiry, preimage].some((one) => one !== undefined))
    throw new CliError(
      "usage",
      exitCodes.usage,
      "An address says neither an amount nor what it is for.",
      "Leave them out with --onchain, or make an invoice.",
    );
  const client = connect(options);
  if (options.onchain === true) {
    const answer = await client.newAddress();
    show(options, answer, ({ address }) => [...drawn(address, options.qr), address].join("\n"));
    return;
  }
  const answer = await client.receive({
    ...(amount !== undefined && { amountMsat: parseAmount(amount).toString() }),
    ...(description !== undefined && { description }),
    ...(expirySeconds !== undefined && { expirySeconds }),
    ...(preimage !== undefined && { preimage }),
  });
  show(options, answer, ({ invoice, expiresAt }) =>
    [...drawn(invoice.toUpperCase(), options.qr), invoice, `Until ${showTime(expiresAt)} UTC.`].join("\n"),
  );
}

/** The QR code, for people's eyes only, unless it was asked for. */
function drawn(text: string, qr: boolean | undefined): readonly string[] {
  return (qr ?? process.stdout.isTTY) ? [qrCode(text)] : [];
}

/** `fulmen payments`, and with an id the one payment. */
export async function payments(
  id: string | undefined,
  options: CommonOptions & {
    readonly limit: string;
    readonly after?: string;
    readonly direction?: Answer<"payment">["direction"];
    readonly status?: Answer<"payment">["status"];
  },
): Promise<void> {
  const limit = parseCount(options.limit, "limit", 1);
  const after = options.after === undefined ? undefined : parseCount(options.after, "after");
  const client = connect(options);
  if (id !== undefined) {
    show(options, await paymentNamed(client, id), describePayment);
    return;
  }
  const { direction, status } = options;
  const wanted = { ...(direction && { direction }), ...(status && { status }) };
  const again = Object.entries({ limit, ...wanted }).map(([name, value]) => `--${name} ${value}`);
  show(
    options,
    await client.payments({
      limit,
      ...(after !== undefined && { after }),
      ...wanted,
    }),
    ({ payments: page, next }) =>
      [
        page.length === 0
          ? "No payments."
          : table(
              ["began (UTC)", "direction", "status", "amount", "fee", "id"],
              page.map((one) => [
                showTime(one.createdAt),
                one.txid === undefined ? one.direction : `${one.direction} on chain`,
                one.status,
                one.amountMsat === undefined ? "" : showMsat(one.amountMsat),
                one.feeMsat === undefined ? "" : showMsat(one.feeMsat),
                one.id.slice(0, 16),
              ]),
            ),
        ...(next === undefined ? [] : [`More: fulmen payments ${again.join(" ")} --after ${next}`]),
      ].join("\n"),
  );
}

/** The payment of this id, or the newest whose id begins so, as the list shows it. */
async function paymentNamed(client: Client, id: string): Promise<Answer<"payment">> {
  if (/^[0-9a-f]{1,63}$/.test(id))
    for (let after: number | undefined; ; ) {
      const { payments: page, next } = await client.payments({
        limit: 1000,
        ...(after !== undefined && { after }),
      });
      const found = page.find((one) => one.id.startsWith(id));
      if (found !== undefined) return client.payment({ id: found.id });
      if (next === undefined) break;
      after = next;
    }
  return client.payment({ id });
}

function describePayment(payment: Answer<"payment">): string {
  const lines = Object.entries(payment)
    .filter(([, value]) => typeof value !== "object")
    .flatMap(([name, value]) => {
      const shown = name.endsWith("At")
        ? `${showTime(Number(value))} UTC`
        : name.endsWith("Msat")
          ? showMsat(String(value))
          : String(value);
      return pairs({ [name.replace(/(At|Msat)$/, "")]: shown });
    });
  const attempts = payment.attempts.map(
    ({ path, succeeded, failure }) =>
      `  ${succeeded ? "arrived" : (failure ?? "failed")}: ${path.map(({ shortChannelId }) => shortChannelId).join(" > ")}`,
  );
  const failure = payment.failure === undefined ? [] : [`failure      ${payment.failure.text}`];
  return [...lines, ...failure, ...(attempts.length === 0 ? [] : ["ways tried:"]), ...attempts].join("\n");
}

/** `fulmen route`. */
export async function route(
  to: string,
  options: CommonOptions & { readonly amount?: string },
): Promise<void> {
  const { amount } = options;
  const answer = await connect(options).explainRoute({
    to,
    ...(amount !== undefined && { amountMsat: parseAmount(amount).toString() }),
  });
  show(options, answer, ({ text }) => text);
}

/** `fulmen decode`. */
export async function decode(text: string, options: CommonOptions): Promise<void> {
  show(options, await connect(options).decode({ text }), ({ methods, label, message, onchainAmountSat }) =>
    [
      ...pairs({ label, message }),
      ...methods.flatMap((method) =>
        method.kind === "onchain"
          ? pairs({
              kind: "address",
              address: method.address,
              amount: onchainAmountSat === undefined ? "the payer chooses" : showSat(onchainAmountSat),
            })
          : pairs({
              kind: "invoice",
              amount: method.amountMsat === undefined ? "the payer chooses" : showMsat(method.amountMsat),
              description: method.description,
              payee: method.payee,
              hash: method.paymentHash,
              made: `${showTime(method.createdAt)} UTC`,
              expires: `${showTime(method.expiresAt)} UTC${method.isExpired ? ", which is over" : ""}`,
            }),
      ),
    ].join("\n"),
  );
}

/** Names with their values, a line each; those that are absent are left out. */
function pairs(values: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name.padEnd(12)} ${oneLine(value, 600)}`],
  );
}
