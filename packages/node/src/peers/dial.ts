import type { PeerManager } from "@fulmen/lightning/peer";
import type { DialFailure, PeerAddress, TcpTransport } from "@fulmen/net";
import { NodeError } from "../api/nodeError.ts";
import { formatAddress } from "./addresses.ts";

/** Who is connected by whom. */
export interface Dialling {
  readonly transport: Pick<TcpTransport, "connect">;
  readonly peerManager: Pick<PeerManager, "peer">;
}

/** For the handshake and the exchange of `init`. */
const handshakeTimeout = 15_000;
const look = 5;

/** Connects to a node; resolves when `init` has been exchanged. Throws `peer-unreachable`. */
export async function dial({ transport, peerManager }: Dialling, address: PeerAddress): Promise<void> {
  const where = formatAddress(address);
  const dialled = await transport.connect(address);
  if (!dialled.ok) {
    if (peerManager.peer(address.nodeId) !== undefined) return;
    throw unreachable(
      `nobody answers at ${where}: ${reasonOf(dialled.error)}`,
      "see that the address is right and the node up",
    );
  }
  let isClosed = false;
  void dialled.value.closed.then(() => {
    isClosed = true;
  });
  const until = performance.now() + handshakeTimeout;
  while (peerManager.peer(address.nodeId) === undefined) {
    if (isClosed) {
      const text = `who answers at ${where} ended the connection`;
      throw unreachable(text, "see that the node id is that of this address, and its network yours");
    }
    if (performance.now() > until)
      throw unreachable(`${where} does not answer as a node does`, "try again later");
    await new Promise((resolve) => setTimeout(resolve, look));
  }
}

export function unreachable(message: string, remedy: string): NodeError {
  return new NodeError("peer-unreachable", message, { remedy });
}

function reasonOf(failure: DialFailure): string {
  return failure.kind === "failed" ? failure.code : failure.kind.replaceAll("-", " ");
}
