import * as ldk from "lightningdevkit";
import type { LdkBenchNode } from "./benchNode.ts";

/** Two nodes in one process, whose `PeerManager`s speak encrypted BOLT 8 through memory. */
export class MemoryPipe {
  readonly #queue: { readonly to: End; readonly data: Uint8Array }[] = [];

  /** Connects `initiator` to `acceptor`; run `deliver` until both are at rest for `init` to have gone both ways. */
  constructor(initiator: LdkBenchNode, acceptor: LdkBenchNode) {
    const near: End = { node: initiator, socket: this.#socket(1n, () => far) };
    const far: End = { node: acceptor, socket: this.#socket(2n, () => near) };
    const noAddress = ldk.Option_SocketAddressZ.constructor_none();
    const accepted = acceptor.peers.new_inbound_connection(far.socket, noAddress);
    if (!(accepted instanceof ldk.Result_NonePeerHandleErrorZ_OK)) throw new Error("new_inbound_connection");
    const nodeId = acceptor.manager.get_our_node_id();
    const first = initiator.peers.new_outbound_connection(nodeId, near.socket, noAddress);
    if (!(first instanceof ldk.Result_CVec_u8ZPeerHandleErrorZ_OK))
      throw new Error("new_outbound_connection");
    this.#queue.push({ to: far, data: first.res });
  }

  /** Hands over all bytes on their way, and those that the receivers write at once; the number of pieces. */
  deliver(): number {
    let pieces = 0;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const read = next.to.node.peers.read_event(next.to.socket, next.data);
      if (!(read instanceof ldk.Result_boolPeerHandleErrorZ_OK)) throw new Error("the peers fell out");
      pieces++;
    }
    return pieces;
  }

  #socket(id: bigint, other: () => End): ldk.SocketDescriptor {
    return ldk.SocketDescriptor.new_impl({
      send_data: (data) => {
        this.#queue.push({ to: other(), data });
        return data.length;
      },
      disconnect_socket: () => {},
      eq: (descriptor) => descriptor.hash() === id,
      hash: () => id,
    });
  }
}

interface End {
  readonly node: LdkBenchNode;
  readonly socket: ldk.SocketDescriptor;
}
