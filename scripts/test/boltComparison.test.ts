import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { compareWithBolts } from "../source/boltComparison.ts";
import { type BoltTables, readBoltTables } from "../source/boltTables.ts";
import { workspaceRoot } from "../source/workspace.ts";

const text = readFileSync(join(workspaceRoot, "fixtures", "bolts", "messages.json"), "utf8");
const tables: BoltTables = JSON.parse(text);

/** The differences after `replacement` has taken the place of `original` in the tables, once. */
function differencesAfter(original: RegExp, replacement: string): readonly string[] {
  const changed = text.replace(original, replacement);
  assert.notEqual(changed, text, `nothing to replace: ${original}`);
  return compareWithBolts(JSON.parse(changed));
}

describe("declarations and the BOLTs' tables", () => {
  it("agree", () => assert.deepEqual(compareWithBolts(tables), []));

  it("have as many entries as the BOLTs", () => {
    const { messages, streams, subtypes, failures, features } = tables;
    assert.deepEqual([messages.length, failures.length, features.length], [50, 22, 23]);
    assert.ok(streams.length > 20);
    assert.deepEqual(
      subtypes
        .map(({ name }) => name)
        .filter((name) => name === "witness" || name === "channel_update_checksums"),
      ["witness", "channel_update_checksums"],
    );
  });
});

describe("compareWithBolts", () => {
  const cases: readonly (readonly [string, RegExp, string, RegExp])[] = [
    [
      "another type number",
      /"type": 128,/,
      '"type": 12800,',
      /^message 12800 update_add_htlc: only in the BOLTs$/,
    ],
    [
      "another field name",
      /"name": "cltv_expiry"/,
      '"name": "cltv"',
      /^update_add_htlc: cltv in the BOLTs, cltvExpiry/,
    ],
    [
      "another field type",
      /"type": "1366\*byte"/,
      '"type": "1300*byte"',
      /^update_add_htlc.onion_routing_packet: 1300/,
    ],
    ["another size", /"size": 1366/, '"size": 1367', /^update_add_htlc.onion_routing_packet: 1367 bytes/],
    [
      "another type of a length",
      /"type": "u16",\s+"name": "num_htlcs",\s+"size": 2/,
      '"type":"u8","name":"num_htlcs","size":1',
      /^commitment_signed.htlc_signature: u8\*signature in the BOLTs/,
    ],
    [
      "another TLV type",
      /"type": 5,\s+"name": "my_current_funding_locked"/,
      '"type":7,"name":"my_current_funding_locked"',
      /^record of channel_reestablish_tlvs 7/,
    ],
    [
      "another TLV content",
      /"type": "210\*sha256\[..4\]"/,
      '"type": "27*sha256[..4]"',
      /truncated_hmacs: 27/,
    ],
    ["another TLV stream", /"type": "closing_tlvs"/, '"type": "other_tlvs"', /^closing_complete: /],
    [
      "another failure code",
      /"code": 8194,/,
      '"code": 2,',
      /^failure 2 temporary_node_failure: only in the BOLTs$/,
    ],
    ["another feature bit", /"bit": 22,/, '"bit": 222,', /^feature 222 option_anchors/],
    ["another context", /"contexts": "IN9"/, '"contexts": "IN"', /^feature 16 basic_mpp "IN" payment_secret/],
    [
      "another subtype",
      /"name": "checksum_node_id_2"/,
      '"name": "checksum"',
      /^channel_update_checksums: checksum in/,
    ],
  ];
  for (const [name, original, replacement, difference] of cases) {
    it(`notices ${name}`, () => {
      const differences = differencesAfter(original, replacement);
      assert.ok(
        differences.some((one) => difference.test(one)),
        differences.join("\n") || "no difference",
      );
    });
  }

  it("notices fields that one side lacks", () => {
    const messages = tables.messages.map((message) => ({ ...message, fields: message.fields.slice(0, -1) }));
    assert.ok(compareWithBolts({ ...tables, messages }).length >= 50);
  });
});

describe("readBoltTables", () => {
  it("reads messages, streams and subtypes", () => {
    const markdown = [
      "1. type: 7 (`one`) (`option_x`)",
      "2. data:",
      "   * [`u16`:`len`]",
      "   * [`len*byte`:`blob`]",
      "   * [`one_tlvs`:`tlvs`]",
      "",
      "1. `tlv_stream`: `one_tlvs`",
      "2. types:",
      "    1. type: 1 (`first`)",
      "    2. data:",
      "        * [`20*u32`:`times`]",
      "    1. type: 2 (`flag`)",
      "",
      "1. subtype: `pair`",
      "2. data:",
      "   * [`210*sha256[..4]`:`a`]",
    ].join("\n");
    assert.deepEqual(readBoltTables([{ bolt: 1, markdown }]), {
      messages: [
        {
          bolt: 1,
          type: 7,
          name: "one",
          fields: [
            { type: "u16", name: "len", size: 2 },
            { type: "len*byte", name: "blob" },
            { type: "one_tlvs", name: "tlvs" },
          ],
        },
      ],
      streams: [
        {
          bolt: 1,
          name: "one_tlvs",
          records: [
            { type: 1, name: "first", fields: [{ type: "20*u32", name: "times", size: 80 }] },
            { type: 2, name: "flag", fields: [] },
          ],
        },
      ],
      subtypes: [{ bolt: 1, name: "pair", fields: [{ type: "210*sha256[..4]", name: "a", size: 840 }] }],
      failures: [],
      features: [],
    });
  });

  it("refuses a field that it cannot read", () => {
    const markdown = ["1. type: 7 (`one`)", "2. data:", "   * u16 len"].join("\n");
    assert.throws(() => readBoltTables([{ bolt: 1, markdown }]), /line 3: not a field/);
  });
});
