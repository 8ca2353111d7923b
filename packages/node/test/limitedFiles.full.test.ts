// timeout: 240 s
import { test } from "node:test";
import { eachPageFails, pages } from "./support/eachPageFails.ts";
import { limitedFiles } from "./support/smallDisk.ts";

test(`nodes lose nothing whichever of the next ${pages} pages is the first that their files may not have`, () =>
  eachPageFails(limitedFiles));
