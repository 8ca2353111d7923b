import { isScope, type Scope, scopes } from "@fulmen/api/routes";
import { TokenFile } from "@fulmen/server";
import { CliError, exitCodes } from "../cliError.ts";
import { suggestion } from "../config/suggestion.ts";
import { dataFolder } from "../daemon/dataFolder.ts";
import { showTime } from "../output/amounts.ts";
import { oneLine, say, table } from "../output/terminal.ts";

/** `fulmen token create`: the text is shown this once. */
export function createToken(options: {
  readonly dataDir?: string;
  readonly name: string;
  readonly scope: readonly string[];
  readonly expires?: string;
}): void {
  const named = options.scope.flatMap((text) => text.split(","));
  const expiresAt =
    options.expires === undefined ? undefined : Math.floor(Date.now() / 1000) + secondsOf(options.expires);
  const { text } = new TokenFile(dataFolder(options.dataDir).tokens).create({
    name: oneLine(options.name, 60),
    scopes: named.map(scopeOf),
    ...(expiresAt !== undefined && { expiresAt }),
  });
  say(text);
}

/** `fulmen token list`. */
export function listTokens({ dataDir, json }: { readonly dataDir?: string; readonly json?: boolean }): void {
  const tokens = new TokenFile(dataFolder(dataDir).tokens).list();
  const rows = tokens.map(({ hash: _hash, ...rest }) => rest);
  if (json === true) say(JSON.stringify(rows, undefined, 2));
  else
    say(
      table(
        ["id", "name", "scopes", "made", "expires"],
        rows.map((one) => [
          one.id,
          oneLine(one.name),
          one.scopes.join(","),
          showTime(one.createdAt),
          one.expiresAt === undefined ? "never" : showTime(one.expiresAt),
        ]),
      ),
    );
}

/** `fulmen token revoke`: takes effect within a second, also in a daemon that runs. */
export function revokeToken(idOrName: string, { dataDir }: { readonly dataDir?: string }): void {
  if (!new TokenFile(dataFolder(dataDir).tokens).revoke(idOrName))
    throw new CliError(
      "unknown-token",
      exitCodes.failed,
      `There is no token ${oneLine(idOrName)}.`,
      "See `fulmen token list`.",
    );
  say("Revoked.");
}

function scopeOf(text: string): Scope {
  if (isScope(text)) return text;
  const meant = suggestion(text, scopes);
  throw new CliError(
    "unknown-scope",
    exitCodes.usage,
    `"${oneLine(text, 40)}" is no scope${meant === undefined ? "" : `: did you mean ${meant}?`}`,
    `There are ${scopes.join(", ")}.`,
  );
}

function secondsOf(text: string): number {
  const [, count = "", unit = ""] = /^([0-9]{1,6})([hdwy])$/.exec(text) ?? [];
  const seconds = { h: 3600, d: 86_400, w: 604_800, y: 31_536_000 }[unit];
  if (seconds === undefined)
    throw new CliError(
      "invalid-time",
      exitCodes.usage,
      `"${oneLine(text, 40)}" is no time.`,
      "Write 12h, 30d, 8w or 1y.",
    );
  return Number(count) * seconds;
}
