import { readFileSync } from "node:fs";
import { parseConfig } from "@signstar/config/parse";
import { parseSystemUserId } from "@signstar/config/system-user";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Desired } from "./desired.ts";
import { type Action, type Plan, plan } from "./plan.ts";
import type { Present, PresentFile } from "./present.ts";
import { emptyRecord, encodeRecord, parseRecord } from "./record.ts";
import { render } from "./render.ts";
import { exampleConfig } from "./testing/tree.ts";
import { parsePlainPath } from "./words.ts";

const owner = { uid: 0, gid: 0 };
const options = { owner, manageUsers: true, uids: undefined };
const fresh: Present = { record: undefined, users: [], groups: [], files: new Map() };
const full = render(parseConfig(readFileSync(exampleConfig, "utf8")), {
  binDir: parsePlainPath("/usr/bin"),
  programOptions: [],
  timeouts: true,
});

/** What a target has after the first `count` actions (undefined: all of them). */
function after(present: Present, steps: Plan, count?: number): Present {
  const users = new Map(present.users.map((user) => [user.name, user]));
  const groups = new Map(present.groups.map((group) => [group.name, group]));
  const files = new Map<string, PresentFile>(present.files);
  for (const action of steps.actions.slice(0, count)) {
    if (action.kind === "remove-file") files.delete(action.path);
    else if (action.kind === "write-file") files.set(action.file.path, { ...owner, ...action.file });
    else if (action.kind === "remove-user") {
      users.delete(action.name);
      groups.delete(action.name);
    } else {
      const { name, home, shell } = action.user;
      const uid = action.kind === "add-user" ? action.uid : (users.get(name)?.uid ?? -1);
      users.set(name, { name, uid, gid: uid, home, shell, password: "*" });
      groups.set(name, { name, gid: uid });
    }
  }
  const record = count === undefined ? steps.recordAfter : steps.recordDuring;
  return { record, users: [...users.values()], groups: [...groups.values()], files };
}

/** Some of the users with their files. */
const part: fc.Arbitrary<Desired> = fc.subarray([...full.users]).map((users) => ({
  users,
  files: full.files.filter(({ path }) => users.some(({ name }) => path.includes(`-user-${name}.`))),
}));

describe("laws", () => {
  test("after a plan nothing is left to do, for whatever change of the config", () => {
    fc.assert(
      fc.property(part, part, (one, two) => {
        const first = after(fresh, plan(one, fresh, options));
        expect(plan(one, first, options).actions).toEqual([]);
        const second = after(first, plan(two, first, options));
        expect(plan(two, second, options).actions).toEqual([]);
        expect([...second.files.keys()].sort()).toEqual(two.files.map(({ path }) => path).sort());
        expect(second.users.map(({ name }) => name).sort()).toEqual(two.users.map(({ name }) => name).sort());
      }),
    );
  });

  test("interrupted anywhere, the next run finishes", () => {
    fc.assert(
      fc.property(part, part, fc.nat(60), (one, two, count) => {
        const first = after(fresh, plan(one, fresh, options));
        const broken = after(first, plan(two, first, options), count);
        const done = after(broken, plan(two, broken, options));
        expect(plan(two, done, options).actions).toEqual([]);
        expect([...done.files.keys()].sort()).toEqual(two.files.map(({ path }) => path).sort());
        expect(done.users).toHaveLength(two.users.length);
      }),
    );
  });

  test("a number is never given twice, and a user that stays keeps its own", () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (configs) => {
        const names = new Map<number, string>();
        let present = fresh;
        for (const desired of configs) {
          present = after(present, plan(desired, present, options));
          for (const { name, uid } of present.users) {
            expect(names.get(uid) ?? name).toBe(name);
            names.set(uid, name);
          }
        }
      }),
    );
  });

  test("keys that are withdrawn go first, and restrictions last", () => {
    fc.assert(
      fc.property(part, (one) => {
        const present = after(fresh, plan(full, fresh, options));
        const changed = one.files.map((file) => ({ ...file, content: `${file.content}# other\n` }));
        const { actions } = plan({ ...one, files: changed }, present, options);
        const users = actions.flatMap(({ kind }, i) => (kind === "remove-user" ? [i] : []));
        for (const [i, action] of actions.entries()) {
          if (action.kind !== "remove-file" && action.kind !== "write-file") continue;
          const path = action.kind === "remove-file" ? action.path : action.file.path;
          if (path.endsWith(".authorized_keys")) expect(i).toBeLessThan(users.at(0) ?? actions.length);
          else expect(i).toBeGreaterThan(users.at(-1) ?? -1);
        }
      }),
    );
  });

  test("a record reads back as it was written", () => {
    fc.assert(
      fc.property(part, (one) => {
        const { recordAfter } = plan(one, fresh, options);
        expect(parseRecord(encodeRecord(recordAfter))).toEqual(recordAfter);
      }),
    );
  });
});

const signer = parseSystemUserId("signer");
const home = "/var/lib/signstar/home/signer";
const one: Desired = {
  users: [{ name: signer, home, shell: "/bin/sh" }],
  files: [{ path: "/usr/lib/tmpfiles.d/signstar-user-signer.conf", content: "d\n", mode: 0o644 }],
};
const known = { ...emptyRecord, users: new Map([[signer, 3000]]), lastUid: 3000 };
const signerAs = (change: object) => {
  const asMade = { name: "signer", uid: 3000, gid: 3000, home, shell: "/bin/sh", password: "*" };
  return { ...asMade, ...change };
};
const groups = [{ name: "signer", gid: 3000 }];

describe("users", () => {
  test.each<[object, string[]]>([
    [{}, []],
    [{ shell: "/bin/bash" }, ["shell /bin/bash → /bin/sh"]],
    [{ home: "/home/signer" }, [`home /home/signer → ${home}`]],
    [{ password: "!" }, ["password removed"]],
    [{ password: "$6$x" }, ["password removed"]],
    [{ password: undefined }, ["password removed"]],
    [{ gid: 50 }, ["group 50 → 3000"]],
  ])("of ours, with %j", (change, what) => {
    const present = { ...fresh, record: known, users: [signerAs(change)], groups };
    const changes = plan(one, present, options).actions.filter(({ kind }) => kind === "change-user");
    const [user] = one.users;
    const wanted = { kind: "change-user", user, uid: 3000, group: "none", regroup: "gid" in change, what };
    expect(changes).toEqual(what.length === 0 ? [] : [wanted]);
  });

  test.each([
    ["make", []],
    ["renumber", [{ name: "signer", gid: 3001 }]],
    ["none", groups],
  ])("get a group of their own number: %s", (group, found) => {
    const [add] = plan(one, { ...fresh, record: known, groups: found }, options).actions;
    expect(add).toMatchObject({ kind: "add-user", uid: 3000, group });
    const [change] = plan(
      one,
      { ...fresh, record: known, users: [signerAs({ gid: 0 })], groups: found },
      options,
    ).actions;
    expect(change).toMatchObject({ kind: "change-user", group, what: ["group 0 → 3000"] });
  });

  test("with the uid of root is refused, whoever gave it", () => {
    expect(() => plan(one, { ...fresh, record: known, users: [signerAs({ uid: 0 })] }, options)).toThrow(
      "has the uid of root",
    );
  });

  test("the group that an interrupted removal has left goes too, one of somebody else stays", () => {
    const nobody: Desired = { users: [], files: [] };
    expect(plan(nobody, { ...fresh, record: known, groups }, options).actions).toEqual([
      { kind: "remove-user", name: "signer", userExists: false },
    ]);
    const others = [{ name: "signer", gid: 50 }];
    expect(plan(nobody, { ...fresh, record: known, groups: others }, options).actions).toEqual([]);
  });

  test("a user or group of somebody else is refused", () => {
    expect(() => plan(one, { ...fresh, users: [signerAs({})] }, options)).toThrow(
      "a user signer that this program has not",
    );
    expect(() => plan(one, { ...fresh, groups }, options)).toThrow("a group signer that this program has not made");
  });

  const added = (present: Present, uids?: ReadonlyMap<typeof signer, number>) =>
    plan(one, present, { ...options, uids }).actions.find((action: Action) => action.kind === "add-user")?.uid;

  test("a new one gets a number above all that are or were in use", () => {
    const other = { name: "other", gid: 1, home: "/", shell: "/bin/sh", password: "*" };
    expect(added(fresh)).toBe(3000);
    expect(added({ ...fresh, users: [{ ...other, uid: 65534 }] })).toBe(3000);
    expect(added({ ...fresh, users: [{ ...other, uid: 5000 }] })).toBe(5001);
    expect(added({ ...fresh, groups: [{ name: "other", gid: 6000 }] })).toBe(6001);
    expect(added({ ...fresh, record: { ...emptyRecord, lastUid: 7000 } })).toBe(7001);
    expect(() => added({ ...fresh, users: [{ ...other, uid: 59_999 }] })).toThrow("no uid up to 59999 is left");
  });

  test("uids.toml decides where there is one", () => {
    const other = { name: "other", uid: 4000, gid: 1, home: "/", shell: "/bin/sh", password: "*" };
    const listed = new Map([[signer, 4000]]);
    expect(added(fresh, listed)).toBe(4000);
    expect(() => added({ ...fresh, users: [other] }, listed)).toThrow("uid 4000 of signer belongs to user other");
    expect(() => added({ ...fresh, groups: [{ name: "other", gid: 4000 }] }, listed)).toThrow("belongs to group other");
    expect(() => added({ ...fresh, record: known, users: [signerAs({})] }, listed)).toThrow("uids.toml says 4000");
    expect(() => added(fresh, new Map([[parseSystemUserId("old"), 4000]]))).toThrow(
      expect.objectContaining({ code: "uid-missing", hint: expect.stringContaining("--assign-uids") }),
    );
  });

  test("without the right to make them there are none, and the record keeps what it has", () => {
    const steps = plan(one, { ...fresh, record: known }, { ...options, manageUsers: false });
    expect(steps.actions.map(({ kind }) => kind)).toEqual(["write-file"]);
    expect(steps.recordAfter.users).toEqual(known.users);
  });
});

describe("a file is written again for", () => {
  const path = "/usr/lib/tmpfiles.d/signstar-user-signer.conf";
  const same: PresentFile = { content: "d\n", mode: 0o644, ...owner };
  test.each<[string, PresentFile, number]>([
    ["nothing", same, 0],
    ["other content", { ...same, content: "e\n" }, 1],
    ["another mode", { ...same, mode: 0o666 }, 1],
    ["another owner", { ...same, uid: 1000 }, 1],
    ["another group", { ...same, gid: 1000 }, 1],
    ["being no file at all", { ...same, content: undefined }, 1],
  ])("%s", (_, file, count) => {
    const present = { ...fresh, record: known, users: [signerAs({})], groups, files: new Map([[path, file]]) };
    expect(plan(one, present, options).actions).toHaveLength(count);
  });
});

describe("a record is not believed", () => {
  const good = { version: 1, users: { signer: 3000 }, files: one.files.map(({ path }) => path), lastUid: 3000 };
  test.each([
    ["{", "is not JSON"],
    ["[]", "has no object"],
    [JSON.stringify({ ...good, version: 2 }), "unknown version"],
    [JSON.stringify({ ...good, lastUid: "1" }), "has no lastUid"],
    [JSON.stringify({ ...good, files: {} }), "lists no files"],
    [JSON.stringify({ ...good, files: ["/etc/passwd"] }), "none of our files"],
    [JSON.stringify({ ...good, files: ["/etc/ssh/signstar-user-../../passwd.authorized_keys"] }), "none of our files"],
    [JSON.stringify({ ...good, users: { root: 0 } }), '"root" cannot serve clients'],
    [JSON.stringify({ ...good, users: { signer: -1 } }), "a user without uid"],
  ])("case %#", (text, message) => {
    expect(parseRecord(JSON.stringify(good)).files).toHaveLength(1);
    expect(() => parseRecord(text)).toThrow(message);
  });
});
