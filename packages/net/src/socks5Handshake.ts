import type { HostAndPort } from "./dial.ts";
import { Socks5Error, type Socks5ErrorCode } from "./socks5Error.ts";

/** Who asks: RFC 1929. Both have 1 to 255 bytes of UTF-8. */
export interface Socks5Credentials {
  readonly username: string;
  readonly password: string;
}

/** What comes next. */
type Step =
  /** More is to come from the proxy. */
  | { readonly kind: "wait" }
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  /** From now on the connection is the one that was asked for. */
  | { readonly kind: "connected" };

const version = 5;
const authenticationVersion = 1;
const [noAuthentication, usernameAndPassword] = [0, 2];
const wait: Step = { kind: "wait" };

/** Replies of the proxy: RFC 1928, section 6, and from 0xf0 on those that Tor adds when it is told to. */
const replies: Readonly<Record<number, readonly [Socks5ErrorCode, string]>> = {
  1: ["refused", "it says nothing more"],
  2: ["refused", "its rules do not allow it"],
  3: ["host-unreachable", "the network is not reached"],
  4: ["host-unreachable", "the host is not reached"],
  5: ["connection-refused", "the host does not accept the connection"],
  6: ["host-unreachable", "it took too long"],
  7: ["refused", "it makes no connections"],
  8: ["refused", "it does not know this kind of address"],
  240: ["host-unreachable", "there is no onion service of this name"],
  241: ["host-unreachable", "the onion service's descriptor is invalid"],
  242: ["host-unreachable", "the onion service could not be introduced to"],
  243: ["host-unreachable", "the onion service did not come to the meeting point"],
  244: ["refused", "the onion service wants to know who asks"],
  245: ["refused", "the onion service does not know who asks"],
  246: ["refused", "this is no onion address"],
  247: ["host-unreachable", "the onion service did not answer in time"],
};

/**
 * The client's half of RFC 1928 for one connection, without a socket. Names are given to the proxy as they are, and
 * nothing is looked up here. Keeps no more of the proxy's bytes than its longest reply has.
 */
export class Socks5Handshake {
  readonly #target: HostAndPort;
  readonly #credentials: Socks5Credentials | undefined;
  #stage: "method" | "authentication" | "reply" = "method";
  #bytes: Uint8Array = new Uint8Array(0);

  /** Throws `Socks5Error` (`bad-address`) when the proxy cannot be told of this target, or of these credentials. */
  constructor(target: HostAndPort, credentials: Socks5Credentials | undefined) {
    this.#target = target;
    this.#credentials = credentials;
    // What cannot be said later is said now.
    this.#request();
    this.#authentication();
  }

  /** What is sent first. With credentials, a proxy that does not ask for them is not used: they keep streams apart. */
  begin(): Uint8Array {
    return Uint8Array.of(
      version,
      1,
      this.#credentials === undefined ? noAuthentication : usernameAndPassword,
    );
  }

  /** Takes what comes from the proxy; throws `Socks5Error`. */
  receive(piece: Uint8Array): Step {
    const bytes = new Uint8Array(this.#bytes.length + piece.length);
    bytes.set(this.#bytes);
    bytes.set(piece, this.#bytes.length);
    switch (this.#stage) {
      case "method":
        return this.#receiveMethod(bytes);
      case "authentication":
        return this.#receiveAuthentication(bytes);
      case "reply":
        return this.#receiveReply(bytes);
    }
  }

  #receiveMethod(bytes: Uint8Array): Step {
    if (bytes.length > 2 || (bytes.length > 0 && bytes[0] !== version)) throw notSocks5();
    if (bytes.length < 2) return this.#keep(bytes);
    const isAuthenticated = bytes[1] === usernameAndPassword && this.#credentials !== undefined;
    if (!isAuthenticated && (bytes[1] !== noAuthentication || this.#credentials !== undefined)) {
      throw new Socks5Error(
        "unauthorised",
        this.#credentials === undefined
          ? "the proxy wants a user name and a password"
          : "the proxy does not take user names and passwords",
        this.#credentials === undefined
          ? "configure them"
          : "use a proxy that does, such as Tor's, or do without isolation",
      );
    }
    this.#keep(new Uint8Array(0));
    this.#stage = isAuthenticated ? "authentication" : "reply";
    return { kind: "send", bytes: isAuthenticated ? this.#authentication() : this.#request() };
  }

  #receiveAuthentication(bytes: Uint8Array): Step {
    if (bytes.length > 2 || (bytes.length > 0 && bytes[0] !== authenticationVersion)) throw notSocks5();
    if (bytes.length < 2) return this.#keep(bytes);
    if (bytes[1] !== 0) {
      throw new Socks5Error("unauthorised", "the proxy does not know the user", "check name and password");
    }
    this.#keep(new Uint8Array(0));
    this.#stage = "reply";
    return { kind: "send", bytes: this.#request() };
  }

  #receiveReply(bytes: Uint8Array): Step {
    const [first, code, , addressType, nameLength] = bytes;
    if (first !== undefined && first !== version) throw notSocks5();
    if (code !== undefined && code !== 0) {
      const [kind, reason] = replies[code] ?? ["refused", `its reason has number ${code}`];
      const { host, port } = this.#target;
      throw new Socks5Error(
        kind,
        `the proxy does not connect to ${host}:${port}: ${reason}`,
        "try again later",
      );
    }
    if (addressType === undefined) return this.#keep(bytes);
    const length = addressLength(addressType, nameLength);
    if (length === undefined || bytes.length < 6 + length) return this.#keep(bytes);
    // Whom we connect to waits for us to begin: with peers, with TLS and with Electrum.
    if (bytes.length > 6 + length) throw notSocks5();
    return { kind: "connected" };
  }

  #keep(bytes: Uint8Array): Step {
    this.#bytes = bytes;
    return wait;
  }

  #authentication(): Uint8Array {
    if (this.#credentials === undefined) return new Uint8Array(0);
    const name = text(this.#credentials.username, "user name");
    const password = text(this.#credentials.password, "password");
    return Uint8Array.of(authenticationVersion, name.length, ...name, password.length, ...password);
  }

  #request(): Uint8Array {
    const { host, port } = this.#target;
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw badAddress(`there is no port ${port}`);
    return Uint8Array.of(version, 1, 0, ...address(host), port >> 8, port & 0xff);
  }
}

/** Bytes of the address in a reply, its own length counted; `undefined` while that is not known. */
function addressLength(type: number, nameLength: number | undefined): number | undefined {
  switch (type) {
    case 1:
      return 4;
    case 3:
      return nameLength === undefined ? undefined : 1 + nameLength;
    case 4:
      return 16;
    default:
      throw notSocks5();
  }
}

/** Addresses of IPv4 and IPv6 as such, since some proxies would look them up as names. */
function address(host: string): readonly number[] {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host);
  if (v4 !== null) {
    const parts = v4.slice(1).map(Number);
    if (parts.some((part) => part > 255)) throw badAddress(`${host} is no address`);
    return [1, ...parts];
  }
  if (host.includes(":")) return [4, ...v6(host)];
  if (!/^[a-z0-9._-]{1,255}$/i.test(host)) throw badAddress("the host's name is no name");
  return [3, host.length, ...text(host, "host")];
}

function v6(host: string): readonly number[] {
  const [head = "", tail, ...others] = host.split("::");
  const groupsOf = (part: string): readonly string[] => (part === "" ? [] : part.split(":"));
  const [before, after] = [groupsOf(head), groupsOf(tail ?? "")];
  const missing = 8 - before.length - after.length;
  const isComplete = tail === undefined ? missing === 0 : missing >= 1;
  const groups = [...before, ...Array.from({ length: Math.max(0, missing) }, () => "0"), ...after];
  if (others.length > 0 || !isComplete || groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) {
    throw badAddress("the host is no IPv6 address");
  }
  return groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]);
}

function text(value: string, what: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  if (bytes.length >= 1 && bytes.length <= 255) return bytes;
  throw badAddress(`the ${what} has ${bytes.length} bytes, not 1 to 255`);
}

function badAddress(message: string): Socks5Error {
  return new Socks5Error("bad-address", message, "check host, port, user name and password");
}

function notSocks5(): Socks5Error {
  return new Socks5Error(
    "invalid-answer",
    "what answers is no SOCKS5 proxy",
    "check the proxy's port: Tor's is 9050, Tor Browser's 9150",
  );
}
