import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { allows, isScope, Msat, NodeId, PageLimit, SignedMsat } from "@fulmen/api";

describe("values of the API", () => {
  it("takes amounts as decimal strings in their shortest form only", () => {
    for (const good of ["0", "1", "18446744073709551615"]) assert.ok(Msat.safeParse(good).success, good);
    for (const bad of ["", "-1", "01", "1.5", "1e3", " 1", "0x10", "1".repeat(21), 5, null]) {
      assert.ok(!Msat.safeParse(bad).success, String(bad));
    }
    assert.ok(SignedMsat.safeParse("-7").success);
    assert.ok(!SignedMsat.safeParse("-0").success);
  });

  it("takes ids as lower-case hex of their length only", () => {
    assert.ok(NodeId.safeParse(`02${"ab".repeat(32)}`).success);
    for (const bad of [`04${"ab".repeat(32)}`, `02${"AB".repeat(32)}`, "02", `../${"ab".repeat(32)}`]) {
      assert.ok(!NodeId.safeParse(bad).success, bad);
    }
  });

  it("says what a text has to be, and no pattern", () => {
    for (const value of [Msat, SignedMsat, NodeId]) {
      const [issue] = value.safeParse("x").error?.issues ?? [];
      assert.match(issue?.message ?? "", /^is /);
    }
  });

  it("takes numbers in a query within their bounds", () => {
    assert.equal(PageLimit.parse("1000"), 1000);
    for (const bad of ["0", "1001", "-1", "1e2", "", "9".repeat(400)])
      assert.ok(!PageLimit.safeParse(bad).success, bad);
  });
});

describe("scopes", () => {
  it("lets a token do what its scopes say, and admin everything", () => {
    assert.ok(allows(["read"], "read"));
    assert.ok(allows(["admin"], "pay"));
    assert.ok(!allows(["pay", "receive"], "read"));
    assert.ok(!allows([], "read"));
    assert.ok(!isScope("root"));
  });
});
