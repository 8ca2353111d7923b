import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toJson } from "@fulmen/lightning/codec";
import { fromHex, toHex } from "@fulmen/lightning/util";
import {
  Features,
  featuresOfInit,
  featureTable,
  knownFeatures,
  validateFeatures,
} from "@fulmen/lightning/wire";
import fc from "fast-check";

describe("Features", () => {
  it("number bits from the lowest of the last byte", () => {
    const features = Features.fromBytes(fromHex("800001"));
    assert.deepEqual(features.bits(), [0, 23]);
    assert.equal(features.isRequired("option_data_loss_protect"), true);
    assert.equal(features.isOptional("option_anchors"), true);
    assert.equal(features.has("option_anchors"), true);
    assert.equal(features.has("option_zeroconf"), false);
    assert.equal(features.hasBit(1_000_000), false);
  });

  it("are as short as can be, whatever they came as", () => {
    assert.equal(toHex(Features.fromBytes(fromHex("0000800001")).toBytes()), "800001");
    assert.equal(toHex(Features.fromBytes(fromHex("0000")).toBytes()), "");
    assert.ok(Features.fromBytes(fromHex("0001")).equals(Features.fromBytes(fromHex("01"))));
  });

  it("do not change with the bytes that they came from or gave", () => {
    const bytes = fromHex("01");
    const features = Features.fromBytes(bytes);
    bytes.fill(0);
    features.toBytes().fill(0);
    assert.deepEqual(features.bits(), [0]);
  });

  it("count as required when both bits of a pair are set", () => {
    const features = Features.ofBits([22, 23]);
    assert.equal(features.isRequired("option_anchors"), true);
    assert.equal(features.isOptional("option_anchors"), false);
  });

  it("are set and taken away one by one, in new values", () => {
    const none = Features.none;
    const optional = none.set("option_quiesce", "optional");
    const required = optional.set("option_quiesce", "required");
    assert.deepEqual(
      [none, optional, required, required.set("option_quiesce", undefined)].map((features) =>
        features.bits(),
      ),
      [[], [35], [34], []],
    );
    assert.ok(
      Features.of({ option_quiesce: "required", option_splice: "optional" }).equals(
        Features.ofBits([34, 63]),
      ),
    );
  });

  it("read back as written", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(2000), { maxLength: 40 }), (bits) => {
        const sorted = bits.toSorted((a, b) => a - b);
        const features = Features.ofBits(bits);
        assert.deepEqual(features.bits(), sorted);
        assert.ok(Features.fromBytes(features.toBytes()).equals(features));
        assert.notEqual(features.toBytes()[0], 0);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("join both fields of init", () => {
    const joined = featuresOfInit({ globalfeatures: fromHex("0200"), features: fromHex("800001") });
    assert.deepEqual(joined.bits(), [0, 9, 23]);
  });

  it("are hex in JSON", () => assert.equal(toJson(Features.ofBits([8])), "0100"));

  it("keep, for a context, what may stand there", () => {
    const ours = Features.of({
      var_onion_optin: "required",
      basic_mpp: "optional",
      option_anchors: "optional",
      option_payment_metadata: "optional",
    });
    assert.deepEqual(ours.inContext("9").bits(), [8, 17, 49]);
    assert.deepEqual(ours.inContext("I").bits(), [8, 17, 23]);
    assert.deepEqual(ours.inContext("T").bits(), [23]);
    assert.deepEqual(ours.inContext("C").bits(), []);
  });
});

describe("required bits", () => {
  it("are unknown when the table has no such feature", () => {
    assert.deepEqual(Features.ofBits([0, 22, 100, 101, 2000]).unknownRequiredBits(), [100, 2000]);
    assert.deepEqual(Features.ofBits([101, 2001]).unknownRequiredBits(), []);
  });

  it("are missing from us when we do not offer the feature, unless every node has it", () => {
    const peer = Features.ofBits([0, 12, 22, 50, 61]);
    const us = Features.of({ option_anchors: "optional" });
    assert.deepEqual(peer.requiredBitsMissingFrom(us), [50]);
    assert.deepEqual(peer.requiredBitsMissingFrom(us.set("option_zeroconf", "required")), []);
  });
});

describe("validateFeatures", () => {
  it("finds features without those that they need", () => {
    assert.deepEqual(
      validateFeatures(Features.of({ option_zeroconf: "optional", option_simple_close: "required" })),
      [
        { feature: "option_zeroconf", needs: "option_scid_alias" },
        { feature: "option_simple_close", needs: "option_shutdown_anysegwit" },
      ],
    );
    assert.deepEqual(
      validateFeatures(Features.of({ option_zeroconf: "optional", option_scid_alias: "required" })),
      [],
    );
  });

  it("takes assumed features for set", () => {
    assert.deepEqual(validateFeatures(Features.of({ basic_mpp: "optional" })), []);
    const zeroFee = Features.of({ zero_fee_commitments: "optional" });
    assert.deepEqual(zeroFee.bits(), [41]);
    assert.deepEqual(validateFeatures(zeroFee), []);
  });
});

describe("featureTable", () => {
  it("has even bits in ascending order, known dependencies and known contexts", () => {
    const bits = knownFeatures.map(({ bit }) => bit);
    assert.deepEqual(
      bits,
      [...new Set(bits)].toSorted((a, b) => a - b),
    );
    for (const { bit, needs, contexts } of knownFeatures) {
      assert.equal(bit % 2, 0);
      assert.match(contexts, /^[INC9BT]*$/);
      for (const needed of needs ?? []) assert.ok(Object.hasOwn(featureTable, needed));
    }
  });
});
