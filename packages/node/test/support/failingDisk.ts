import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const run = (program: string, ...parameters: readonly string[]): string =>
  execFileSync(program, parameters, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();

/** A disk with a file system of its own, in a file. Only root can have one. */
export class FailingDisk {
  readonly folder = mkdtempSync(join(tmpdir(), "fulmen-disk-"));
  readonly #image = `${this.folder}.image`;

  constructor() {
    writeFileSync(this.#image, "");
    truncateSync(this.#image, 64 << 20);
    run("mkfs.ext4", "-q", this.#image);
    this.#mount();
  }

  /** Nothing is written until it goes on; who writes waits. */
  hang(isHanging: boolean): void {
    run("fsfreeze", isHanging ? "--freeze" : "--unfreeze", this.folder);
  }

  /** Is read-only from now on, as after an error of the device. */
  fail(): void {
    const device = run("findmnt", "--noheadings", "--output", "SOURCE", this.folder);
    writeFileSync(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, "1");
  }

  /** Mends it, when nobody has a file of it open. */
  mend(): void {
    run("umount", this.folder);
    try {
      run("e2fsck", "-f", "-y", this.#image);
    } catch (error) {
      // 1: there was something to mend.
      if (!(error instanceof Error && "status" in error && error.status === 1)) throw error;
    }
    this.#mount();
  }

  end(): void {
    run("umount", "--lazy", this.folder);
    rmSync(this.folder, { recursive: true });
    rmSync(this.#image);
  }

  #mount(): void {
    run("mount", "-o", "loop,errors=remount-ro", this.#image, this.folder);
  }
}
