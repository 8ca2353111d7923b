import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeProgram } from "@fulmen/cli";
import { backup } from "#src/commands/records";
import { completionScript } from "#src/completion";
import { runningProcess, takeLock } from "#src/daemon/lock";
import { readSeed, writeSeed } from "#src/daemon/seedFile";
import { parseAmount, parseSat, showMsat, withGroupedAmounts } from "#src/output/amounts";
import { oneLine, ProgressBar, shown, table } from "#src/output/terminal";

async function inFolder(use: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "fulmen-cli-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("amounts", () => {
  it("are read to the msat, and nothing else is", () => {
    const good: Readonly<Record<string, bigint>> = {
      "2500": 2_500_000n,
      "2500sat": 2_500_000n,
      "2500 SAT": 2_500_000n,
      "0.001sat": 1n,
      "5msat": 5n,
      "0.001btc": 100_000_000n,
      "0.00000000001btc": 1n,
    };
    for (const [text, amount] of Object.entries(good)) assert.equal(parseAmount(text), amount, text);
    for (const text of ["", "-1", "1e5", "0.5msat", "0.0001sat", "1 eur", "0x5", "1,000", "9".repeat(30)])
      assert.throws(() => parseAmount(text), { code: "invalid-amount" }, text);
    assert.throws(() => parseSat("5msat"), { code: "invalid-amount" });
    assert.equal(showMsat("-1234567001"), "-1,234,567.001 sat");
    const said = withGroupedAmounts("of 340000 sat, 999 sat and 1234.5 sat since block 800000");
    assert.equal(said, "of 340,000 sat, 999 sat and 1,234.5 sat since block 800000");
  });
});

describe("the terminal", () => {
  it("gets no control characters from others", () => {
    assert.equal(oneLine("a\u001b[31mb\nc\u202ed\u0007"), "ab c d ");
    assert.equal(oneLine("x".repeat(100), 5), "xxxx…");
    const text = "\u001b]0;a\u0007 \u009b2J \u202eb \u{e0041} \ud800";
    assert.equal(shown(`${text}\n\tä`), "\\u001b]0;a\\u0007 \\u009b2J \\u202eb \\udb40\\udc41 \\ud800\n\tä");
    assert.equal(JSON.parse(shown(JSON.stringify({ text }))).text, text);
  });

  it("has the name of the file that it writes from nobody else", async ({ mock }) => {
    const folder = mkdtempSync(join(tmpdir(), "fulmen-cli-"));
    const before = process.cwd();
    let fileName = `${folder}/elsewhere`;
    mock.method(globalThis, "fetch", async () => Response.json({ fileName, contentBase64: "AAAA" }));
    const said = mock.method(process.stdout, "write", () => true);
    process.chdir(folder);
    try {
      await backup(undefined, { url: "http://h", token: "t" });
      fileName = "fulmen-signet.backup";
      await backup(undefined, { url: "http://h", token: "t" });
      assert.deepEqual(readdirSync(folder).sort(), ["fulmen-signet.backup", "fulmen.backup"]);
    } finally {
      said.mock.restore();
      process.chdir(before);
      rmSync(folder, { recursive: true });
    }
  });

  it("gets a bar in one line, and a file gets a line for each tenth", () => {
    const shown = (isTTY: boolean): string => {
      let text = "";
      const bar = new ProgressBar("Blocks", { isTTY, write: (more: string) => (text += more) });
      for (let have = 0; have <= 1_000; have++) bar.show(have, 1_000);
      bar.end();
      return text;
    };
    const drawn = shown(true).split("\r");
    assert.equal(drawn.length, 102);
    assert.match(drawn[51] ?? "", /^Blocks \[#{12}\.{13}\] 500 of 1000 *$/);
    assert.ok(shown(true).endsWith("\n"));
    const lines = Array.from({ length: 11 }, (_, tenth) => `Blocks ${tenth * 100} of 1000\n`);
    assert.equal(shown(false), lines.join(""));
  });

  it("gets tables with numbers to the right", () => {
    assert.equal(
      table(
        ["a", "b"],
        [
          ["x", "5 sat"],
          ["yy", "10 sat"],
        ],
      ),
      "a        b\nx    5 sat\nyy  10 sat",
    );
  });
});

describe("the seed file", () => {
  const words = "abandon ability able about above absent absorb abstract absurd abuse access accident";
  const never = async (): Promise<string> => assert.fail("nobody is asked");

  it("keeps the words, readable by their owner alone, and is never written over", () =>
    inFolder(async (folder) => {
      const path = join(folder, "seed");
      writeSeed(path, words, undefined);
      assert.equal(await readSeed(path, never), words);
      assert.throws(() => writeSeed(path, "other", undefined), { code: "EEXIST" });
      chmodSync(path, 0o644);
      await assert.rejects(readSeed(path, never), { code: "seed-unusable", exitCode: 4 });
    }));

  it("keeps them encrypted by a passphrase, and refuses another", () =>
    inFolder(async (folder) => {
      const path = join(folder, "seed");
      writeSeed(path, words, "open sesame");
      assert.ok(!readFileSync(path, "utf8").includes("abandon"));
      assert.equal(await readSeed(path, async () => "open sesame"), words);
      await assert.rejects(
        readSeed(path, async () => "close sesame"),
        { message: /not the seed's passphrase/ },
      );
    }));

  it("opens them by a passphrase that another keyboard spells with other characters", () =>
    inFolder(async (folder) => {
      const path = join(folder, "seed");
      writeSeed(path, words, "caf\u00e9");
      assert.equal(await readSeed(path, async () => "cafe\u0301"), words);
      await assert.rejects(
        readSeed(path, async () => "cafe"),
        { code: "seed-unusable" },
      );
    }));
});

describe("the lock of a folder", () => {
  it("is held by a process that lives, and by none that ended or only has its number", () =>
    inFolder((folder) => {
      const path = join(folder, "pid");
      assert.equal(runningProcess(path), undefined);
      const lock = takeLock(path);
      assert.equal(runningProcess(path), process.pid);
      lock.release();
      assert.equal(runningProcess(path), undefined);
      for (const text of ["", "x y", "-1 5", `${2 ** 30} 5`, `${process.pid} 5`]) {
        writeFileSync(path, text);
        assert.equal(runningProcess(path), undefined, text);
      }
    }));
});

describe("completion", () => {
  it("names every command in every shell, and bash can read it", () => {
    const program = makeProgram();
    for (const shell of ["bash", "zsh", "fish"]) {
      const script = completionScript(program, shell);
      for (const command of program.commands.flatMap((outer) => [outer, ...outer.commands])) {
        for (const word of [command.name(), ...command.options.map(({ long = "" }) => long.slice(2))])
          assert.ok(script.includes(word), `${shell}: ${word}`);
      }
    }
    const typed = (...words: readonly string[]): string => {
      const line = `COMP_WORDS=(fulmen ${words.map((word) => `"${word}"`).join(" ")}); COMP_CWORD=${words.length}`;
      const script = `${completionScript(program, "bash")}\n${line}; _fulmen; echo "\${COMPREPLY[@]}"`;
      return execFileSync("bash", ["-c", script], { encoding: "utf8" }).trim();
    };
    assert.equal(typed("sto"), "stop store");
    assert.equal(typed("token", "c"), "create");
    assert.equal(typed("token", "create", "--sc"), "--scope");
    assert.equal(typed("store", "move", "--e"), "--encrypt");
    assert.equal(typed("pay", "lnbc1", "--max"), "--max-fee");
    assert.equal(typed("status", "--js"), "--json");
    assert.equal(typed("--data-dir", "start", "bal"), "balance");
    assert.equal(typed("init", "--network", "s"), "signet");
    assert.equal(typed("token", "create", "--scope", "re"), "read receive");
    assert.equal(typed("completion", "f"), "fish");
    // A path: that is left to the shell.
    assert.equal(typed("balance", "--data-dir", ""), "");
    assert.throws(() => completionScript(program, "tcsh"), { code: "unknown-shell" });
  });
});
