// timeout: 240 s
// needs: unshare
import { test } from "node:test";
import { eachPageFails, pages } from "./support/eachPageFails.ts";
import { mountSmallDisk } from "./support/smallDisk.ts";

test(`nodes lose nothing whichever of the next ${pages} pages is the first that a full disk does not take`, () =>
  eachPageFails(mountSmallDisk()));
