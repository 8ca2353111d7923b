import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Runs a file of this folder in a process of its own, to which messages go as structured clones. */
export function startChild(file: string, argument: unknown): ChildProcess {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [JSON.stringify(argument)], {
    execArgv: ["--conditions=@fulmen/source", "--disable-warning=ExperimentalWarning"],
    serialization: "advanced",
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  return child;
}

/** Says something to a process; one that has died hears nothing. */
export function tell(child: ChildProcess, message: object): void {
  if (child.connected) child.send(message, () => {});
}
