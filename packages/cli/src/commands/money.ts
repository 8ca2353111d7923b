import type { Client } from "@fulmen/client";
import { parseAmount, parseSat, showMsat, showSat, showTime, withGroupedAmounts } from "../output/amounts.ts";
import { oneLine, qrCode, say, table } from "../output/terminal.ts";
import { type CommonOptions, connect } from "./connection.ts";

type Answer<N extends keyof Client> = Client[N] extends (...input: never[]) => Promise<infer T> ? T : never;

/** Prints an answer: as JSON where that is asked for, else in words. */
function show<T>({ json }: CommonOptions, answer: T, words: (answer: T) => string): void {
  say(json === true ? JSON.stringify(answer, undefined, 2) : words(answer));
}

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

/** `fulmen channels`. */
export async function channels(options: CommonOptions): Promise<void> {
  show(options, await connect(options).channels(), ({ channels: all }) =>
    all.length === 0
      ? "No channels. Open one: fulmen open <nodeid@host:port> <amount>"
      : table(
          ["channel", "peer", "state", "capacity", "ours", "theirs"],
          all.map((one) => [
            one.channelId.slice(0, 16),
            one.peer.slice(0, 16),
            one.isUsable ? "usable" : one.phase === "open" && !one.isConnected ? "offline" : one.phase,
            showSat(one.capacitySat),
            showMsat(one.localMsat),
            showMsat(one.remoteMsat),
          ]),
        ),
  );
}

/** The id of the one channel that begins with `text`. */
async function channelIdOf(client: Client, text: string): Promise<string> {
  const { channels: all } = await client.channels();
  const found = all.filter(
    ({ channelId, shortChannelId }) => channelId.startsWith(text) || shortChannelId === text,
  );
  return found.length === 1 ? (found[0]?.channelId ?? text) : text;
}

/** `fulmen open`. */
export async function open(
  peer: string,
  amount: string,
  options: CommonOptions & { readonly push?: string; readonly public?: boolean },
): Promise<void> {
  const answer = await connect(options).openChannel({
    peer,
    amountSat: parseSat(amount).toString(),
    ...(options.push !== undefined && { pushMsat: parseAmount(options.push).toString() }),
    ...(options.public !== undefined && { announce: options.public }),
  });
  show(
    options,
    answer,
    ({ channelId, funding }) =>
      `Channel ${channelId}\nFunded by ${funding.txid}:${funding.output}; usable after some blocks.`,
  );
}

/** `fulmen close`. */
export async function close(
  channel: string,
  options: CommonOptions & { readonly force?: boolean; readonly address?: string },
): Promise<void> {
  const client = connect(options);
  const channelId = await channelIdOf(client, channel);
  const { address } = options;
  const answer =
    options.force === true
      ? await client.forceCloseChannel({ channelId })
      : await client.closeChannel({ channelId, ...(address !== undefined && { address }) });
  show(options, answer, () => "The closing has begun. `fulmen balance` says when the money is at hand.");
}

/** `fulmen peers`, and with an address `fulmen peers connect`. */
export async function peers(options: CommonOptions): Promise<void> {
  show(options, await connect(options).peers(), ({ peers: all }) =>
    table(
      ["peer", "address", "connected", "channels"],
      all.map((one) => [one.nodeId, one.address ?? "", one.isConnected ? "yes" : "no", String(one.channels)]),
    ),
  );
}

/** `fulmen peers connect`. */
export async function connectPeer(address: string, options: CommonOptions): Promise<void> {
  show(options, await connect(options).connectPeer({ address }), ({ nodeId }) => `Connected to ${nodeId}.`);
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
  const answer = await connect(options).sendRaw({
    peer,
    paymentHash,
    amountMsat: parseAmount(amount).toString(),
    ...(options.secret !== undefined && { paymentSecret: options.secret }),
    expiryDelta: Number(options.expiryDelta),
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
  const client = connect(options);
  if (options.onchain === true) {
    const answer = await client.newAddress();
    show(options, answer, ({ address }) => [...drawn(address, options.qr), address].join("\n"));
    return;
  }
  const { description, expiry, preimage } = options;
  const answer = await client.receive({
    ...(amount !== undefined && { amountMsat: parseAmount(amount).toString() }),
    ...(description !== undefined && { description }),
    ...(expiry !== undefined && { expirySeconds: Number(expiry) }),
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
  const client = connect(options);
  if (id !== undefined) {
    const answer = await client.payment({ id });
    show(options, answer, describePayment);
    return;
  }
  const { limit, after, direction, status } = options;
  const wanted = { ...(direction && { direction }), ...(status && { status }) };
  const again = Object.entries({ limit, ...wanted }).map(([name, value]) => `--${name} ${value}`);
  show(
    options,
    await client.payments({
      limit: Number(limit),
      ...(after !== undefined && { after: Number(after) }),
      ...wanted,
    }),
    ({ payments: page, next }) =>
      [
        table(
          ["began", "direction", "status", "amount", "fee", "id"],
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

function describePayment(payment: Answer<"payment">): string {
  const lines = Object.entries(payment)
    .filter(([, value]) => typeof value !== "object")
    .map(([name, value]) => `${name.padEnd(12)} ${oneLine(String(value), 600)}`);
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
  show(options, answer, ({ paths, text }) =>
    [
      text,
      ...paths.flatMap((path) => [
        `${showMsat(path.amountMsat)}, fee ${showMsat(path.feeMsat)}:`,
        ...path.hops.map(
          (hop) => `  ${hop.shortChannelId} to ${hop.nodeId.slice(0, 16)}, fee ${showMsat(hop.feeMsat)}`,
        ),
      ]),
    ].join("\n"),
  );
}

/** `fulmen decode`. */
export async function decode(text: string, options: CommonOptions): Promise<void> {
  say(JSON.stringify(await connect(options).decode({ text }), undefined, 2));
}
