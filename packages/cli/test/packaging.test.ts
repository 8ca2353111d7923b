import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { exitCodes, makeProgram, settings } from "@fulmen/cli";
import { environmentName } from "#src/config/settings";

const root = new URL("../../../", import.meta.url);
const packaging = new URL("packages/cli/packaging/", root);
const commands = new Set(makeProgram().commands.map((command) => command.name()));
const variables = new Set(["FULMEN_DATA_DIR", ...settings.map(({ name }) => environmentName(name))]);
const all = (text: string, pattern: RegExp): readonly string[] =>
  [...text.matchAll(pattern)].map(([, found = ""]) => found);

/** What a file names of ours is there. */
function namesWhatIsThere(text: string): void {
  for (const variable of all(text, /\b(FULMEN_[A-Z_]+)\b/g)) assert.ok(variables.has(variable), variable);
  for (const command of all(text, /fulmen (?!fulmen)([a-z]+) --/g)) assert.ok(commands.has(command), command);
}

describe("packaging", () => {
  it("the Dockerfile names scripts, files, commands and variables that are there", () => {
    const text = readFileSync(new URL("Dockerfile", packaging), "utf8");
    const { scripts } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
    for (const script of all(text, /npm run (\w+)/g)) assert.ok(scripts[script], script);
    const linked = all(text, /ln -s \/fulmen\/(\S+)/g);
    assert.equal(linked.length, 1);
    for (const path of linked) assert.ok(existsSync(new URL(path, root)), path);
    assert.match(text, /ENTRYPOINT \["fulmen"\]/);
    for (const command of all(text, /CMD \[(?:"fulmen", )?"(\w+)"\]/g))
      assert.ok(commands.has(command), command);
    namesWhatIsThere(text);
  });

  it("the systemd unit starts the node, and does not try again what only people can mend", () => {
    const text = readFileSync(new URL("fulmen.service", packaging), "utf8");
    assert.match(text, /^ExecStart=\/usr\/bin\/env fulmen start$/m);
    const [codes = ""] = all(text, /^RestartPreventExitStatus=(.*)$/gm);
    const { usage, config, seed, secondInstance, chainLogin, wrongNetwork, chainPruned } = exitCodes;
    const forPeople = [usage, config, seed, secondInstance, chainLogin, wrongNetwork, chainPruned];
    assert.deepEqual(codes.split(" ").map(Number), forPeople);
    namesWhatIsThere(text);
  });
});
