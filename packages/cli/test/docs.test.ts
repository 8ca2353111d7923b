import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { exitCodes, makeProgram, settings } from "@fulmen/cli";

const page = readFileSync(new URL("../../../docs/daemon.md", import.meta.url), "utf8");

it("docs/daemon.md has every setting as it is, every exit code and every command", () => {
  for (const { name, meaning, byDefault = "" } of settings) {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${name}\` |`));
    assert.ok(row?.endsWith(`| ${meaning} | ${byDefault} |`), name);
  }
  for (const code of Object.values(exitCodes)) assert.match(page, new RegExp(`^\\| ${code} \\|`, "m"));
  for (const command of makeProgram().commands) assert.match(page, new RegExp(`\\b${command.name()}\\b`));
});
