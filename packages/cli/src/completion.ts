import type { Command } from "commander";
import { CliError, exitCodes } from "./cliError.ts";

/** A command, or one inside of another: what may stand behind it. */
interface Completed {
  /** `token`, or `token create`. */
  readonly path: string;
  readonly description: string;
  readonly words: readonly string[];
}

/** What stands behind an option that takes a value: one of these; or any text, which may be a path. */
type Values = ReadonlyMap<string, readonly string[]>;

/** A script that completes the words of `program` in a shell, made from its own commands and options. */
export function completionScript(program: Command, shell: string): string {
  const inner = program.commands.flatMap((command) =>
    command.commands.map((each) => completed(each, each.name(), `${command.name()} `)),
  );
  const outer = program.commands.flatMap((command) =>
    [command.name(), ...command.aliases()].map((name) => completed(command, name)),
  );
  const values = valuesOf(program);
  switch (shell) {
    case "bash":
      return bash(outer, inner, values);
    case "zsh":
      return zsh(outer, inner, values);
    case "fish":
      return fish(outer, inner, values);
    default:
      throw new CliError(
        "unknown-shell",
        exitCodes.usage,
        `There is no completion for ${shell.slice(0, 40)}.`,
        "Name bash, zsh or fish.",
      );
  }
}

function completed(command: Command, name: string, before = ""): Completed {
  return {
    path: before + name,
    description: command.description().replaceAll("'", "").replaceAll(":", ","),
    words: [
      ...command.commands.map((inner) => inner.name()),
      ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
      ...command.options.flatMap(({ long }) => (long === undefined ? [] : [long])),
    ],
  };
}

/** Options that take a value, of all commands: an option's name means the same everywhere. */
function valuesOf(command: Command): Values {
  const own = command.options.flatMap(({ long, required, argChoices = [] }) =>
    typeof long === "string" && required ? [[long, argChoices] as const] : [],
  );
  return new Map([...own, ...command.commands.flatMap((inner) => [...valuesOf(inner)])]);
}

/** Branches of a `case` for what stands behind an option; `paths` is done where it may be a path. */
function valueCases(values: Values, choose: (words: string) => string, paths: string): readonly string[] {
  const free = [...values].flatMap(([option, choices]) => (choices.length === 0 ? [option] : []));
  return [
    ...[...values].flatMap(([option, choices]) =>
      choices.length === 0 ? [] : [`    ${option}) ${choose(choices.join(" "))}; return ;;`],
    ),
    `    ${free.join("|")}) ${paths}; return ;;`,
  ];
}

function bash(outer: readonly Completed[], inner: readonly Completed[], values: Values): string {
  const cases = [...inner, ...outer].map(
    ({ path, words }) => `    "${path}"|"${path} "*) words="${words.join(" ")}" ;;`,
  );
  return [
    "_fulmen() {",
    `  local word path="" isValue="" words="" current="\${COMP_WORDS[COMP_CWORD]}"`,
    "  COMPREPLY=()",
    `  case "\${COMP_WORDS[COMP_CWORD-1]}" in`,
    ...valueCases(values, (words) => `COMPREPLY=($(compgen -W "${words}" -- "$current"))`, ":"),
    "  esac",
    `  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do`,
    '    if [ -n "$isValue" ]; then isValue=""; continue; fi',
    '    case "$word" in',
    `    ${[...values.keys()].join("|")}) isValue=yes ;;`,
    "    -*) ;;",
    `    *) path="\${path:+$path }$word" ;;`,
    "    esac",
    "  done",
    '  case "$path" in',
    `    "") words="${outer.map(({ path }) => path).join(" ")}" ;;`,
    ...cases,
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "}",
    "complete -o default -F _fulmen fulmen",
  ].join("\n");
}

function zsh(outer: readonly Completed[], inner: readonly Completed[], values: Values): string {
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
    '  case "$words[CURRENT-1]" in',
    ...valueCases(values, (words) => `compadd -- ${words}`, "_files"),
    "  esac",
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

function fish(outer: readonly Completed[], inner: readonly Completed[], values: Values): string {
  const lines = ({ path, words }: Completed): readonly string[] => {
    const seen = path.split(" ").map((name) => `__fish_seen_subcommand_from ${name}`);
    return words.map((word) => {
      const choices = values.get(word);
      const value =
        choices === undefined ? "" : choices.length === 0 ? " -r -F" : ` -x -a '${choices.join(" ")}'`;
      const what = word.startsWith("--") ? `-l ${word.slice(2)}${value}` : `-a ${word}`;
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
