import type { OurPair } from "./ourPair.ts";

/** Connects again whenever both sides have noticed that the connection is gone. */
export function reconnectWhenCut({ us, ldk, ldkPort }: OurPair): {
  /** Ends it at once, because something else went wrong. */
  giveUp(): void;
  /** Ends it once there is a connection. */
  finish(): Promise<void>;
} {
  let isFinished = false;
  let isGivenUp = false;
  const isConnected = (): boolean => us.peers.listPeers().length > 0;
  const run = async (): Promise<void> => {
    while (!isGivenUp && !(isFinished && isConnected())) {
      if (!isConnected()) {
        await ldk.until("peers", (peers) => peers.length === 0);
        await us.connect(ldkPort, ldk.nodeId);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const running = run();
  return {
    giveUp: () => {
      isGivenUp = true;
    },
    finish: () => {
      isFinished = true;
      return running;
    },
  };
}

/** Connects again when LDK has ended the connection, though we may not have noticed. */
export async function connectIfApart({ us, ldk, ldkPort }: OurPair): Promise<void> {
  if ((await ldk.cmd("peers")).length > 0) return;
  await us.until("end of the connection", () => us.peers.listPeers().length === 0);
  await us.connect(ldkPort, ldk.nodeId);
}
