import { formatKeyRef } from "@signstar/config/key-ref";
import { parseSystemUserId } from "@signstar/config/system-user";
import { type NamespaceId, parseKeyId, parseNamespaceId, parseTag, parseUserId } from "@signstar/nethsm/ids";
import * as fc from "fast-check";
import { type Desired, type DesiredKey, type DesiredUser, leadingAdministrator } from "../desired.ts";

const namespaces = ["ns1", "ns2"].map(parseNamespaceId);
const places = [undefined, ...namespaces];
const within = (namespace: NamespaceId | undefined, name: string) =>
  parseUserId(namespace === undefined ? name : `${namespace}~${name}`);

/** Few names, so that two configurations have much in common and something apart. */
export function desiredArbitrary(): fc.Arbitrary<Desired> {
  return fc
    .record({
      administrators: fc.subarray(["admin2", "admin3", "op1"].map(parseUserId)),
      namespaces: fc.subarray(namespaces).chain((ids) =>
        fc.tuple(
          ...ids.map((id) =>
            fc.record({
              id: fc.constant(id),
              administrators: fc
                .subarray(["boss1", "boss2", "op2"], { minLength: 1 })
                .map((names) => names.map((name) => within(id, name))),
            }),
          ),
        ),
      ),
      others: fc.subarray<Pick<DesiredUser, "id" | "role">>([
        { id: parseUserId("backup1"), role: "Backup" },
        { id: parseUserId("metrics1"), role: "Metrics" },
        { id: parseUserId("ns1~watch"), role: "Operator" },
        { id: parseUserId("watch"), role: "Operator" },
        { id: parseUserId("op2"), role: "Metrics" },
      ]),
      signers: fc.uniqueArray(
        fc.record({
          namespace: fc.constantFrom(...places),
          number: fc.integer({ min: 1, max: 3 }),
          tag: fc.integer({ min: 1, max: 3 }),
          raw: fc.boolean(),
          userId: fc.constantFrom("A <a@example.org>", "B <b@example.org>"),
        }),
        { selector: ({ namespace, number }) => `${namespace} ${number}`, maxLength: 6 },
      ),
      removal: fc.record({
        namespaces: fc.subarray(namespaces),
        keys: fc.subarray(places.map((namespace) => ({ namespace, keyId: parseKeyId("key1") }))),
      }),
    })
    .map(({ administrators, namespaces: spaces, others, signers, removal }) => {
      const exists = (namespace: NamespaceId | undefined) =>
        namespace === undefined || spaces.some(({ id }) => id === namespace);
      const bosses = new Set([...administrators, ...spaces.flatMap((space) => space.administrators)]);
      const users: DesiredUser[] = others
        .filter(({ id }) => exists(id.startsWith("ns1~") ? namespaces[0] : undefined))
        .map((user) => ({ ...user, tags: [], systemUser: parseSystemUserId("watcher") }));
      const keys: DesiredKey[] = [];
      for (const { namespace, number, tag, raw, userId } of signers) {
        const id = within(namespace, `op${number}`);
        if (!exists(namespace) || bosses.has(id) || users.some((user) => user.id === id)) continue;
        // Tags rotate with `tag`, so that two configurations can swap the tags of two keys.
        const tags = [parseTag(`tag${((number + tag) % 3) + 1}`)];
        users.push({ id, role: "Operator", tags, systemUser: parseSystemUserId(`signer${number}`) });
        keys.push({
          keyId: parseKeyId(`key${number}`),
          namespace,
          type: "Curve25519",
          mechanisms: ["EdDSA_Signature"],
          length: undefined,
          tags,
          operator: id,
          certificate: raw ? undefined : { userId, fingerprint: undefined },
        });
      }
      return {
        administrators: [leadingAdministrator, ...administrators],
        namespaces: spaces,
        users,
        passphrases: "plaintext" as const,
        keys,
        removal: {
          everything: false,
          namespaces: removal.namespaces.filter((id) => !exists(id)),
          keys: removal.keys.filter((key) => !keys.some((each) => formatKeyRef(each) === formatKeyRef(key))),
        },
      };
    });
}
