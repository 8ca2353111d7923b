import { installNodeCrypto } from "@fulmen/crypto-node";
import type { FromTower, ToTower } from "./protocol.ts";
import { Watchtower } from "./watchtower.ts";

// The tower as a process of its own. All it knows comes in messages; it dies with the one that started it.

installNodeCrypto();
let tower: Watchtower | undefined;

function answer(message: ToTower): FromTower {
  if (message.kind === "defend") {
    tower = new Watchtower(message.seed, message.exported);
    return tower.watching();
  }
  return tower?.answer(message) ?? { kind: "refused", text: "there is no channel to defend yet" };
}

function say(answer: FromTower): void {
  process.send?.(answer);
}

process.on("message", (message) => {
  try {
    say(answer(message as ToTower));
  } catch (error) {
    say({ kind: "refused", text: error instanceof Error ? error.message : String(error) });
  }
});
process.on("disconnect", () => process.exit(0));
