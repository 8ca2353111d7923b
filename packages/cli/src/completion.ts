import type { Command } from "commander";
import { CliError, exitCodes } from "./cliError.ts";

/** A script that completes the words of `program` in a shell, made from its own commands and options. */
export function completionScript(program: Command, shell: string): string {
  const commands = program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    words: [
      ...command.commands.map((inner) => inner.name()),
      ...command.options.flatMap(({ long }) => (long === undefined ? [] : [long])),
    ],
  }));
  const names = commands.map(({ name }) => name).join(" ");
  switch (shell) {
    case "bash":
      return [
        "_fulmen() {",
        '  local words="" current="$' + '{COMP_WORDS[COMP_CWORD]}"',
        '  case "$' + '{COMP_WORDS[1]}" in',
        ...commands.map(({ name, words }) => `    ${name}) words="${words.join(" ")}" ;;`),
        "  esac",
        `  [ "$COMP_CWORD" -eq 1 ] && words="${names}"`,
        '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
        "}",
        "complete -o default -F _fulmen fulmen",
      ].join("\n");
    case "zsh":
      return [
        "#compdef fulmen",
        "_fulmen() {",
        "  if (( CURRENT == 2 )); then",
        "    local -a names=(",
        ...commands.map(
          ({ name, description }) => `      '${name}:${description.replaceAll("'", "").replaceAll(":", "")}'`,
        ),
        "    )",
        "    _describe command names",
        "    return",
        "  fi",
        '  case "$words[2]" in',
        ...commands.map(({ name, words }) => `    ${name}) compadd -- ${words.join(" ")} ;;`),
        "  esac",
        "}",
        "compdef _fulmen fulmen",
      ].join("\n");
    case "fish":
      return [
        "complete -c fulmen -f",
        ...commands.map(
          ({ name, description }) =>
            `complete -c fulmen -n __fish_use_subcommand -a ${name} -d '${description.replaceAll("'", "")}'`,
        ),
        ...commands.flatMap(({ name, words }) =>
          words.map((word) =>
            word.startsWith("--")
              ? `complete -c fulmen -n '__fish_seen_subcommand_from ${name}' -l ${word.slice(2)}`
              : `complete -c fulmen -n '__fish_seen_subcommand_from ${name}' -a ${word}`,
          ),
        ),
      ].join("\n");
    default:
      throw new CliError(
        "unknown-shell",
        exitCodes.usage,
        `There is no completion for ${shell.slice(0, 40)}.`,
        "Name bash, zsh or fish.",
      );
  }
}
