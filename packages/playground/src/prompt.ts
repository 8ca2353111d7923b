import { createInterface } from "node:readline";
import { messageOf } from "@fulmen/lightning/util";
import { type Command, commandsFor, InputError } from "./commands.ts";
import type { Narrator } from "./narrator.ts";
import type { Network } from "./network/network.ts";
import { short } from "./text.ts";

/** Takes commands until `quit` or the end of the input. Whatever is typed, the answer is a line of text. */
export async function runPrompt(
  network: Network,
  narrator: Narrator,
  input: NodeJS.ReadableStream = process.stdin,
): Promise<void> {
  const commands = withHelp(
    commandsFor(network, (text) => narrator.line(text)),
    network,
    narrator,
  );
  narrator.line('The nodes stay up. Type "help" to see what they can do, "quit" to end.');
  const lines = createInterface({ input, output: process.stdout, prompt: "> " });
  // Input that ends while a command runs leaves lines that were read before.
  let isOpen = true;
  lines.once("close", () => {
    isOpen = false;
  });
  lines.prompt();
  for await (const line of lines) {
    const [name = "", ...args] = line.trim().split(/\s+/);
    if (name === "quit" || name === "exit") break;
    if (name !== "") await obey(commands, name, { args, narrator });
    if (isOpen) lines.prompt();
  }
  lines.close();
}

async function obey(
  commands: ReadonlyMap<string, Command>,
  name: string,
  { args, narrator }: { readonly args: readonly string[]; readonly narrator: Narrator },
): Promise<void> {
  const command = commands.get(name);
  if (command === undefined) {
    narrator.line(`There is no command ${JSON.stringify(short(name, 40))}: type "help".`);
    return;
  }
  try {
    await command.run(args);
  } catch (error) {
    const text = messageOf(error);
    narrator.line(
      error instanceof InputError ? `${text}\nUse: ${command.usage}` : narrator.style("red", text),
    );
  }
}

/** By their names, and one that lists them. */
function withHelp(
  commands: readonly Command[],
  network: Network,
  narrator: Narrator,
): ReadonlyMap<string, Command> {
  const help: Command = {
    usage: "help",
    help: "this list",
    async run() {
      narrator.line(`NODE is one of ${network.nodes.map(({ name }) => name).join(", ")}.`);
      for (const { usage, help: text } of all) narrator.line(`  ${usage.padEnd(38)} ${text}`);
      narrator.line(`  ${"quit".padEnd(38)} ends all nodes`);
    },
  };
  const all = [...commands, help];
  return new Map(all.map((command) => [command.usage.split(" ", 1).join(), command]));
}
