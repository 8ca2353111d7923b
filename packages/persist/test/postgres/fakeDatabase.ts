import {
  type Connect,
  type SqlConnection,
  SqlError,
  type SqlRow,
  type SqlValue,
} from "#src/postgres/sqlConnection";

interface LeaseFields {
  epoch: number;
  session: number;
  beat: number;
  duration: number;
  holder: string | null;
  holderName: string;
  isRolledBack: boolean;
}

/** What may happen to a statement on its way. */
export interface Fate {
  /** Milliseconds until the database carries it out; never when absent. */
  readonly there?: number;
  /** Milliseconds from then until the answer is here; when absent the answer is lost, and the connection with it. */
  readonly back?: number;
  /** Milliseconds until a connection whose answer is lost is noticed to be gone. */
  readonly cut?: number;
}

/** Carries out what the store asks of a database, for one node, as PostgreSQL does: one statement after the other. */
export class FakeDatabase {
  readonly entries = new Map<string, Uint8Array>();
  lease: LeaseFields | undefined;
  /** Commits as they took effect: by whose epoch, and what was written. */
  readonly applied: {
    readonly epoch: number;
    readonly keys: readonly string[];
    readonly values: readonly Uint8Array[];
  }[] = [];
  readonly statements: string[] = [];
  /** How each statement fares; at once by default. `undefined` refuses connections. */
  fate: (kind: string) => Fate | undefined = () => ({ there: 0, back: 0 });
  readonly #schedule: (action: () => void, delay: number) => void;

  constructor(schedule: (action: () => void, delay: number) => void) {
    this.#schedule = schedule;
  }

  readonly connect: Connect = this.connectThrough((kind) => this.fate(kind));

  /** Connections of a machine that has a network of its own. */
  connectThrough(fateOf: (kind: string) => Fate | undefined): Connect {
    return async () => {
      const fate = fateOf("connect");
      if (fate === undefined) throw new SqlError("connection refused", "refused", "ECONNREFUSED");
      await this.#after((fate.there ?? 0) + (fate.back ?? 0));
      return this.#connection(fateOf);
    };
  }

  #connection(fateOf: (kind: string) => Fate | undefined): SqlConnection {
    let isOpen = true;
    const underWay = new Set<(error: SqlError) => void>();
    const destroy = (): void => {
      isOpen = false;
      for (const reject of underWay) reject(new SqlError("the connection is gone", "unknown"));
    };
    return {
      get isOpen() {
        return isOpen;
      },
      destroy,
      close: async () => destroy(),
      query: (text, values, timeout) => {
        if (!isOpen) return Promise.reject(new SqlError("the connection is gone", "refused"));
        const kind = kindOf(text);
        this.statements.push(kind);
        const fate = fateOf(kind) ?? { cut: 0 };
        return new Promise((fulfil, reject) => {
          const fail = (error: SqlError): void => {
            underWay.delete(fail);
            reject(error);
          };
          underWay.add(fail);
          const { there, back, cut = timeout } = fate;
          if (there !== undefined) {
            this.#later(() => {
              const rows = this.#carryOut(kind, values);
              if (back === undefined) return;
              this.#later(() => {
                underWay.delete(fail);
                fulfil(rows);
              }, back);
            }, there);
          }
          if (there === undefined || back === undefined) this.#later(destroy, cut);
          else if (there + back > timeout) this.#later(destroy, timeout);
        });
      },
    };
  }

  #later(action: () => void, delay: number): void {
    if (delay === 0) action();
    else this.#schedule(action, delay);
  }

  #after(delay: number): Promise<void> {
    return new Promise((resolve) => this.#later(resolve, delay));
  }

  #carryOut(kind: string, values: readonly SqlValue[]): readonly SqlRow[] {
    const { lease } = this;
    const isOurs = lease !== undefined && values[1] === String(lease.epoch) && values[2] === lease.holder;
    switch (kind) {
      case "look":
        return lease === undefined
          ? []
          : [
              {
                ...texts(lease),
                holder: lease.holder,
                holder_name: lease.holderName,
                rolled_back: lease.isRolledBack ? "t" : "f",
              },
            ];
      case "create":
        if (lease !== undefined) return [];
        this.lease = {
          epoch: 1,
          session: 0,
          beat: 1,
          duration: 0,
          holder: null,
          holderName: "",
          isRolledBack: false,
        };
        return this.#take(this.lease, values);
      case "take":
        if (lease === undefined || String(lease.epoch) !== values[4] || String(lease.beat) !== values[5])
          return [];
        lease.epoch++;
        lease.beat++;
        lease.session = 0;
        return this.#take(lease, values);
      case "mark":
        if (lease !== undefined) lease.isRolledBack = true;
        return [];
      case "renew":
      case "session":
      case "release":
        if (!isOurs) return [];
        lease.beat++;
        if (kind !== "renew") lease.session++;
        if (kind === "release") lease.holder = null;
        return [texts(lease)];
      case "commit":
        if (!isOurs || values[3] !== String(lease.session)) return [];
        lease.beat++;
        this.#write(lease.epoch, values);
        return [texts(lease)];
      case "read": {
        if (!isOurs) return [];
        const key = String(values[3]);
        return [{ key, value: this.entries.get(key) ?? null }];
      }
      default:
        throw new Error(`the fake does not know ${kind}`);
    }
  }

  #take(lease: LeaseFields, values: readonly SqlValue[]): readonly SqlRow[] {
    lease.duration = Number(values[1]);
    lease.holder = String(values[2]);
    lease.holderName = String(values[3]);
    return [texts(lease)];
  }

  #write(epoch: number, [, , , , deleted, keys, values]: readonly SqlValue[]): void {
    for (const key of deleted as readonly string[]) this.entries.delete(key);
    const written = keys as readonly string[];
    const contents = values as readonly Uint8Array[];
    for (const [index, key] of written.entries()) this.entries.set(key, contents[index] ?? new Uint8Array(0));
    this.applied.push({ epoch, keys: written, values: contents });
  }
}

function texts({ epoch, session, beat, duration }: LeaseFields): Record<string, string | null> {
  return { epoch: `${epoch}`, session: `${session}`, beat: `${beat}`, duration: `${duration}` };
}

function kindOf(text: string): string {
  if (text.startsWith("WITH lease")) return "commit";
  if (text.startsWith("INSERT INTO fulmen_leases")) return "create";
  if (text.includes("SET rolled_back = true")) return "mark";
  if (text.includes("SET epoch = epoch + 1")) return "take";
  if (text.includes("SET holder = NULL")) return "release";
  if (text.includes("SET session = session + 1")) return "session";
  if (text.includes("SET beat = beat + 1")) return "renew";
  if (text.startsWith("SELECT epoch")) return "look";
  if (text.includes("entry.key = $4")) return "read";
  return text;
}
