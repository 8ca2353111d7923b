import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { withoutComments } from "./jsonWithComments.ts";

/** Writes a group of settings anew into the config file; all else in it, comments too, stays. */
export function changeConfig(path: string, group: string, values: object): void {
  const changed = `${path}.new`;
  rmSync(changed, { force: true });
  writeFileSync(changed, withGroup(readFileSync(path, "utf8"), group, values), {
    mode: 0o600,
    flag: "wx",
    flush: true,
  });
  renameSync(changed, path);
}

/** The text of a config, valid and not empty, with another value of a group. */
export function withGroup(text: string, group: string, values: object): string {
  const value = JSON.stringify(values);
  const json = withoutComments(text);
  const span = memberSpan(json, group);
  if (span !== undefined) return `${text.slice(0, span.start)} ${value}${text.slice(span.end)}`;
  const first = json.indexOf("{") + 1;
  return `${text.slice(0, first)}\n  ${JSON.stringify(group)}: ${value},${text.slice(first)}`;
}

/** Where the value of a member of the outermost object stands. */
function memberSpan(
  json: string,
  name: string,
): { readonly start: number; readonly end: number } | undefined {
  let depth = 0;
  let start: number | undefined;
  for (const { 0: token, index } of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)) {
    if (token === "{" || token === "[") depth++;
    if (token === "}" || token === "]") depth--;
    const isEnd = (token === "," && depth === 1) || depth === 0;
    if (isEnd && start !== undefined) return { start, end: index };
    const isName = depth === 1 && start === undefined && token === JSON.stringify(name);
    if (isName && /^"[^"]*"\s*:/.test(json.slice(index))) start = json.indexOf(":", index + token.length) + 1;
  }
  return undefined;
}
