import type { FileSystem, OpenFile } from "#src/files/fileSystem";

interface Content {
  readonly id: number;
  bytes: Uint8Array;
}

/** What was done to the disk, in order; contents are named by a number. */
type Operation =
  | { readonly kind: "create"; readonly name: string; readonly id: number }
  | { readonly kind: "write"; readonly id: number; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "truncate"; readonly id: number; readonly length: number }
  | { readonly kind: "sync"; readonly id: number }
  | { readonly kind: "rename"; readonly from: string; readonly to: string }
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "sync-folder" };

/**
 * What a power cut does with what was not synced: forgets it all, keeps it all, keeps it all but so many bytes of the
 * last write, keeps lengths without what was written, or decides each by a number that `choose` draws.
 */
export type PowerCut =
  | { readonly kind: "forgets" }
  | { readonly kind: "keeps" }
  | { readonly kind: "tears"; readonly bytes: number }
  | { readonly kind: "zeroes" }
  | { readonly kind: "chooses"; choose(below: number): number };

/** What the next calls do instead of what they should. */
export type Fault = (call: number) => string | undefined;

/** A disk with one folder in memory, which remembers all that was done to it, so that it can be cut off anywhere. */
export class SimulatedDisk implements FileSystem {
  readonly operations: Operation[] = [];
  readonly #names: Map<string, Content>;
  #contents = 0;
  /** Calls that were made. */
  calls = 0;
  /** The code with which a call fails, if it is to. */
  fault: Fault = () => undefined;

  constructor(files: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#names = new Map();
    for (const [name, bytes] of files) this.#names.set(name, { id: this.#contents++, bytes: bytes.slice() });
    for (const [name, { id, bytes }] of this.#names) {
      this.operations.push({ kind: "create", name, id }, { kind: "write", id, at: 0, bytes });
      this.operations.push({ kind: "sync", id }, { kind: "sync-folder" });
    }
  }

  files(): ReadonlyMap<string, Uint8Array> {
    return new Map([...this.#names].map(([name, { bytes }]) => [name, bytes.slice()]));
  }

  async makeFolder(): Promise<void> {}

  async list(): Promise<readonly string[]> {
    await this.#call();
    return [...this.#names.keys()];
  }

  async open(path: string, mode: "read" | "update" | "create"): Promise<OpenFile> {
    await this.#call();
    const name = nameOf(path);
    let content = this.#names.get(name);
    if (content === undefined && mode !== "create") throw failure("ENOENT");
    if (content === undefined) {
      content = { id: this.#contents++, bytes: new Uint8Array(0) };
      this.#names.set(name, content);
      this.operations.push({ kind: "create", name, id: content.id });
    } else if (mode === "create") this.#truncate(content, 0);
    return this.#opened(content);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#call();
    const content = this.#names.get(nameOf(from));
    if (content === undefined) throw failure("ENOENT");
    this.#names.delete(nameOf(from));
    this.#names.set(nameOf(to), content);
    this.operations.push({ kind: "rename", from: nameOf(from), to: nameOf(to) });
  }

  async remove(path: string): Promise<void> {
    await this.#call();
    if (!this.#names.delete(nameOf(path))) throw failure("ENOENT");
    this.operations.push({ kind: "remove", name: nameOf(path) });
  }

  async syncFolder(): Promise<void> {
    await this.#call();
    this.operations.push({ kind: "sync-folder" });
  }

  /** A disk as it is found after the power was cut when `count` operations had been done. */
  after(count: number, cut: PowerCut): SimulatedDisk {
    return new SimulatedDisk(imageOf(this.operations.slice(0, count), cut));
  }

  #opened(content: Content): OpenFile {
    return {
      read: async (position, length) => {
        await this.#call();
        return content.bytes.slice(position, position + length);
      },
      size: async () => {
        await this.#call();
        return content.bytes.length;
      },
      write: async (bytes, position) => {
        try {
          await this.#call();
        } catch (error) {
          // A disk may be full in the middle.
          this.#write(content, bytes.slice(0, bytes.length >> 1), position);
          throw error;
        }
        this.#write(content, bytes, position);
      },
      truncate: async (length) => {
        await this.#call();
        this.#truncate(content, length);
      },
      sync: async () => {
        await this.#call();
        this.operations.push({ kind: "sync", id: content.id });
      },
      close: async () => {
        await this.#call();
      },
    };
  }

  #write(content: Content, bytes: Uint8Array, at: number): void {
    content.bytes = written(content.bytes, at, bytes);
    this.operations.push({ kind: "write", id: content.id, at, bytes: bytes.slice() });
  }

  #truncate(content: Content, length: number): void {
    content.bytes = content.bytes.slice(0, length);
    this.operations.push({ kind: "truncate", id: content.id, length });
  }

  async #call(): Promise<void> {
    const code = this.fault(this.calls++);
    await Promise.resolve();
    if (code !== undefined) throw failure(code);
  }
}

function imageOf(operations: readonly Operation[], cut: PowerCut): ReadonlyMap<string, Uint8Array> {
  const contents = new Map<number, Uint8Array>();
  let names = new Map<string, number>();
  const lastSync = new Map<number, number>();
  let lastFolderSync = -1;
  for (const [at, operation] of operations.entries()) {
    if (operation.kind === "sync") lastSync.set(operation.id, at);
    if (operation.kind === "sync-folder") lastFolderSync = at;
  }
  for (const [at, operation] of operations.entries()) {
    if (isFolderChange(operation)) {
      const isKept = cut.kind === "chooses" ? cut.choose(2) === 0 : cut.kind !== "forgets";
      if (at > lastFolderSync && !isKept) continue;
      names = renamed(names, operation);
      continue;
    }
    if (operation.kind === "write" || operation.kind === "truncate") {
      const isSynced = at < (lastSync.get(operation.id) ?? -1);
      const before = contents.get(operation.id) ?? new Uint8Array(0);
      const isLast = at === operations.length - 1;
      contents.set(operation.id, isSynced ? done(before, operation) : cutOff(before, operation, cut, isLast));
    }
  }
  return new Map([...names].map(([name, id]) => [name, contents.get(id) ?? new Uint8Array(0)]));
}

type FolderChange = Extract<Operation, { kind: "create" | "rename" | "remove" }>;
type ContentChange = Extract<Operation, { kind: "write" | "truncate" }>;

function isFolderChange(operation: Operation): operation is FolderChange {
  return operation.kind === "create" || operation.kind === "rename" || operation.kind === "remove";
}

function renamed(names: ReadonlyMap<string, number>, change: FolderChange): Map<string, number> {
  const result = new Map(names);
  if (change.kind === "create") result.set(change.name, change.id);
  else if (change.kind === "remove") result.delete(change.name);
  else {
    const id = result.get(change.from);
    result.delete(change.from);
    if (id !== undefined) result.set(change.to, id);
  }
  return result;
}

function done(before: Uint8Array, change: ContentChange): Uint8Array {
  return change.kind === "write" ? written(before, change.at, change.bytes) : before.slice(0, change.length);
}

function cutOff(before: Uint8Array, change: ContentChange, cut: PowerCut, isLast: boolean): Uint8Array {
  const partly = (length: number): Uint8Array =>
    change.kind === "write" ? written(before, change.at, change.bytes.slice(0, length)) : before;
  switch (cut.kind) {
    case "forgets":
      return before;
    case "keeps":
      return done(before, change);
    case "tears":
      return isLast ? partly(cut.bytes) : done(before, change);
    case "zeroes":
      return change.kind === "write"
        ? written(before, change.at, new Uint8Array(change.bytes.length))
        : done(before, change);
    case "chooses": {
      const choice = cut.choose(4);
      if (choice === 0) return before;
      if (choice === 1 || change.kind === "truncate") return done(before, change);
      const length = cut.choose(change.bytes.length + 1);
      return choice === 2 ? partly(length) : written(before, change.at + length, change.bytes.slice(length));
    }
  }
}

function written(before: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  const after = new Uint8Array(Math.max(before.length, at + bytes.length));
  after.set(before);
  after.set(bytes, at);
  return after;
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: the disk of this test`), { code });
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
