import { parseCount, showMsat, showTime } from "../output/amounts.ts";
import { oneLine, say, shown } from "../output/terminal.ts";
import { type CommonOptions, connect } from "./connection.ts";

/** `fulmen ledger`: the newest entries are last; `--csv` is all of it. */
export async function ledger(
  options: CommonOptions & { readonly csv?: boolean; readonly after?: string },
): Promise<void> {
  let after = parseCount(options.after ?? "0", "after");
  const client = connect(options);
  if (options.csv === true) {
    process.stdout.write(await client.ledgerCsv());
    return;
  }
  const pages: unknown[] = [];
  while (true) {
    const { entries, next, accounts } = await client.ledger({ limit: 1000, after });
    if (options.json === true) pages.push(...entries);
    else
      for (const { at, kind, postings, text } of entries) {
        say(`${showTime(at)} ${kind}: ${oneLine(text)}`);
        for (const { account, amountMsat } of postings) say(`    ${account}  ${showMsat(amountMsat)}`);
      }
    if (next !== undefined) {
      after = next;
      continue;
    }
    if (options.json === true) say(JSON.stringify({ entries: pages, accounts }, undefined, 2));
    else if (Object.keys(accounts).length === 0) say("Nothing has moved yet.");
    else for (const [account, amount] of Object.entries(accounts)) say(`= ${account}  ${showMsat(amount)}`);
    return;
  }
}

/** `fulmen events`: one JSON object a line, until the command is ended. */
export async function events(options: CommonOptions & { readonly after?: string }): Promise<void> {
  const after = options.after === undefined ? undefined : parseCount(options.after, "after");
  const ended = new AbortController();
  process.once("SIGINT", () => ended.abort());
  const stream = connect(options).events({
    ...(after !== undefined && { after }),
    signal: ended.signal,
    onReconnect: ({ message }) => process.stderr.write(`${shown(message)} Trying again.\n`),
  });
  if (process.stdout.isTTY)
    process.stderr.write("What happens from now on, until Ctrl-C. What was before: --after 0\n");
  for await (const event of stream) say(JSON.stringify(event));
}

/** `fulmen backup`. */
export async function backup(file: string | undefined, options: CommonOptions): Promise<void> {
  const { fileName, contentBase64 } = await connect(options).backup();
  // Whatever answers there does not choose which file is written.
  const path = file ?? (/^fulmen-\w+\.backup$/.test(fileName) ? fileName : "fulmen.backup");
  const { replaceFile } = await import("@fulmen/persist/exportFile");
  await replaceFile(path, Buffer.from(contentBase64, "base64"));
  say(`Written to ${path}. Keep it away from this machine.`);
}
