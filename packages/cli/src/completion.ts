import type { Command } from "commander";
import { CliError, exitCodes } from "./cliError.ts";

/** A command, or one inside of another: what may stand behind it. */
interface Completed {
  /** `token`, or `token create`. */
  readonly path: string;
  readonly description: string;
  readonly words: readonly string[];
}

/** A script that completes the words of `program` in a shell, made from its own commands and options. */
export function completionScript(program: Command, shell: string): string {
  const outer = program.commands.map((command) => completed(command));
  const inner = program.commands.flatMap((command) =>
    command.commands.map((each) => completed(each, `${command.name()} `)),
  );
  switch (shell) {
    case "bash":
      return bash(outer, inner);
    case "zsh":
      return zsh(outer, inner);
    case "fish":
      return fish(outer, inner);
    default:
      throw new CliError(
        "unknown-shell",
        exitCodes.usage,
        `There is no completion for ${shell.slice(0, 40)}.`,
        "Name bash, zsh or fish.",
      );
  }
}

function completed(command: Command, before = ""): Completed {
  return {
    path: before + command.name(),
    description: command.description().replaceAll("'", "").replaceAll(":", ","),
    words: [
      ...command.commands.map((inner) => inner.name()),
      ...command.options.flatMap(({ long }) => (long === undefined ? [] : [long])),
    ],
  };
}

function bash(outer: readonly Completed[], inner: readonly Completed[]): string {
  const cases = (all: readonly Completed[]): readonly string[] =>
    all.map(({ path, words }) => `    "${path}") words="${words.join(" ")}" ;;`);
  return [
    "_fulmen() {",
    '  local words="" current="$' + '{COMP_WORDS[COMP_CWORD]}"',
    '  case "$' + '{COMP_WORDS[1]}" in',
    ...cases(outer),
    "  esac",
    '  [ "$COMP_CWORD" -gt 2 ] && case "$' + "{COMP_WORDS[1]} $" + '{COMP_WORDS[2]}" in',
    ...cases(inner),
    "  esac",
    `  [ "$COMP_CWORD" -eq 1 ] && words="${outer.map(({ path }) => path).join(" ")}"`,
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "}",
    "complete -o default -F _fulmen fulmen",
  ].join("\n");
}

function zsh(outer: readonly Completed[], inner: readonly Completed[]): string {
  const cases = (all: readonly Completed[]): readonly string[] =>
    all.map(({ path, words }) => `    "${path}") compadd -- ${words.join(" ")}; return ;;`);
  return [
    "#compdef fulmen",
    "_fulmen() {",
    "  if (( CURRENT == 2 )); then",
    "    local -a names=(",
    ...outer.map(({ path, description }) => `      '${path}:${description}'`),
    "    )",
    "    _describe command names",
    "    return",
    "  fi",
    '  (( CURRENT > 3 )) && case "$words[2] $words[3]" in',
    ...cases(inner),
    "  esac",
    '  case "$words[2]" in',
    ...cases(outer),
    "  esac",
    "}",
    "compdef _fulmen fulmen",
  ].join("\n");
}

function fish(outer: readonly Completed[], inner: readonly Completed[]): string {
  const lines = ({ path, words }: Completed): readonly string[] => {
    const seen = path.split(" ").map((name) => `__fish_seen_subcommand_from ${name}`);
    return words.map((word) => {
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c fulmen -n '${seen.join("; and ")}' ${what}`;
    });
  };
  return [
    "complete -c fulmen -f",
    ...outer.map(
      ({ path, description }) => `complete -c fulmen -n __fish_use_subcommand -a ${path} -d '${description}'`,
    ),
    ...[...outer, ...inner].flatMap(lines),
  ].join("\n");
}
