/** One suite of the client for every device: what it asks for is what it gets, on each release. */
import { constants, createHash, createPublicKey, generateKeyPairSync, publicEncrypt, verify } from "node:crypto";
import { NetHsm } from "@signstar/nethsm/client";
import { parseKeyId, parseNamespaceId, parseTag, parseUserId } from "@signstar/nethsm/ids";
import { shownPin } from "@signstar/nethsm/shown-pin";
import type { KeyMechanism, KeyType } from "@signstar/nethsm/types";
import { validateBackup } from "@signstar/nethsm-backup/validate";
import { concat, fromHex } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { candidates, type Target } from "./targets.ts";

const prefix = `t${Date.now().toString(36)}`;
const passphrase = Secret.fromText("suite-passphrase");
const backupPassphrase = Secret.fromText("backup-passphrase");
const data = Buffer.from("what is signed");
const operator = { user: parseUserId(`${prefix}operator`), passphrase };
const sha512Info = fromHex("3051300d060960864801650304020305000440");

interface Signing {
  readonly type: KeyType;
  readonly mechanism: KeyMechanism;
  readonly length?: number;
  /** The digest that ECDSA takes on this curve. */
  readonly hash?: "sha256" | "sha384" | "sha512";
  readonly since?: string;
}

const signing: readonly Signing[] = [
  { type: "Curve25519", mechanism: "EdDSA_Signature" },
  { type: "EC_P256", mechanism: "ECDSA_Signature", hash: "sha256" },
  { type: "EC_P384", mechanism: "ECDSA_Signature", hash: "sha384" },
  { type: "EC_P521", mechanism: "ECDSA_Signature", hash: "sha512" },
  { type: "EC_P256K1", mechanism: "ECDSA_Signature", hash: "sha256", since: "3.0" },
  { type: "BrainpoolP384", mechanism: "ECDSA_Signature", hash: "sha384", since: "3.0" },
  { type: "RSA", mechanism: "RSA_Signature_PKCS1", length: 2048 },
  { type: "RSA", mechanism: "RSA_Signature_PSS_SHA256", length: 3072 },
];

for (const { name, obstacle, start } of await candidates()) {
  if (obstacle !== undefined) console.log(`NetHSM suite: ${name} skipped: ${obstacle}`);
  describe.skipIf(obstacle !== undefined)(name, { timeout: 240_000 }, () => {
    let target: Target;
    let admin: NetHsm;
    let user: NetHsm;
    let release: string;
    const made: (() => Promise<unknown>)[] = [];

    beforeAll(async () => {
      target = await start();
      admin = new NetHsm(target.connection, { credentials: target.admin });
      user = admin.as(operator);
      release = (await admin.system.info()).softwareVersion;
      await admin.users.create(operator.user, { realName: "suite", role: "Operator", passphrase });
      made.push(() => admin.users.delete(operator.user));
    }, 120_000);

    afterAll(async () => {
      for (const undo of made.reverse()) await undo().catch(() => undefined);
      admin?.close();
      await target?.close();
    });

    const since = (wanted: string | undefined) => wanted === undefined || Number(release) >= Number(wanted);
    const keep = async (key: Parameters<NetHsm["keys"]["generate"]>[0]) => {
      const id = await admin.keys.generate(key);
      made.push(() => admin.keys.delete(id));
      return id;
    };

    test("says who and how it is", async () => {
      expect(await admin.info()).toEqual({ vendor: "Nitrokey GmbH", product: "NetHSM" });
      expect([await admin.health.state(), await admin.health.ready(), await admin.health.alive()]).toEqual([
        "Operational",
        true,
        false,
      ]);
      expect(release).toMatch(/^\d+\.\d+$/);
    });

    test("signs with every type of key", async () => {
      for (const { type, mechanism, length, hash, since: first } of signing) {
        if (!since(first)) continue;
        const id = await keep({ type, mechanisms: [mechanism], length });
        const info = await admin.keys.get(id);
        expect([info.type, info.mechanisms, info.operations]).toEqual([type, [mechanism], 0]);
        const key = createPublicKey(await user.keys.publicPem(id));
        const digest = (name: string) => new Uint8Array(createHash(name).update(data).digest());
        if (mechanism === "EdDSA_Signature") {
          expect(verify(null, data, key, await user.keys.sign(id, { mode: "EdDSA", message: data }))).toBe(true);
        } else if (hash !== undefined) {
          const signature = await user.keys.sign(id, { mode: "ECDSA", message: digest(hash) });
          expect(verify(hash, data, key, signature)).toBe(true);
        } else if (mechanism === "RSA_Signature_PKCS1") {
          // Release 3.0 alone adds the DigestInfo itself.
          const message = release === "3.0" ? digest("sha512") : concat(sha512Info, digest("sha512"));
          expect(verify("sha512", data, key, await user.keys.sign(id, { mode: "PKCS1", message }))).toBe(true);
        } else {
          const signature = await user.keys.sign(id, { mode: "PSS_SHA256", message: digest("sha256") });
          const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
          expect(verify("sha256", data, { key, ...padding }, signature)).toBe(true);
        }
        expect((await admin.keys.get(id)).operations).toBe(1);
      }
    });

    test("imports a PEM as a form, decrypts, encrypts", async () => {
      const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
      const pem = Secret.fromText(pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
      const id = await admin.keys.importPem({
        id: parseKeyId(`${prefix}pem`),
        mechanisms: ["RSA_Decryption_OAEP_SHA256"],
        pem,
      });
      made.push(() => admin.keys.delete(id));
      const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
      const encrypted = new Uint8Array(publicEncrypt({ key: pair.publicKey, ...oaep }, data));
      const decrypted = await user.keys.decrypt(id, { mode: "OAEP_SHA256", encrypted });
      expect(Buffer.from(decrypted)).toEqual(data);
      const aes = await keep({
        type: "Generic",
        mechanisms: ["AES_Encryption_CBC", "AES_Decryption_CBC"],
        length: 256,
      });
      const message = new Uint8Array(32).fill(7);
      const sealed = await user.keys.encrypt(aes, { mode: "AES_CBC", message });
      expect(await user.keys.decrypt(aes, { mode: "AES_CBC", encrypted: sealed.encrypted, iv: sealed.iv })).toEqual(
        message,
      );
    });

    test("keeps a certificate as it came, and makes requests", async () => {
      const id = await keep({ type: "EC_P256", mechanisms: ["ECDSA_Signature"] });
      expect(await user.keys.getCertificate(id)).toBeUndefined();
      await admin.keys.setCertificate(id, Uint8Array.of(0, 255, 10));
      expect(await user.keys.getCertificate(id)).toEqual(Uint8Array.of(0, 255, 10));
      await expect(admin.keys.setCertificate(id, data)).rejects.toMatchObject({ code: "conflict" });
      await admin.keys.deleteCertificate(id);
      expect(await user.keys.csr(id, { commonName: "suite.example" })).toContain("CERTIFICATE REQUEST");
    });

    test("users, namespaces, tags", async () => {
      const namespace = parseNamespaceId(`${prefix}ns`);
      const inside = { user: parseUserId(`${namespace}~admin`), passphrase };
      await admin.users.create(inside.user, { realName: "inside", role: "Administrator", passphrase });
      await admin.namespaces.create(namespace);
      made.push(() => admin.users.delete(inside.user));
      made.push(() => admin.namespaces.delete(namespace));
      expect(await admin.namespaces.list()).toContain(namespace);
      const insider = admin.as(inside);
      expect(await insider.users.list()).toEqual([inside.user]);
      await expect(insider.system.info()).rejects.toMatchObject({ code: "forbidden" });
      const tag = parseTag("suite");
      const id = await keep({ type: "EC_P256", mechanisms: ["ECDSA_Signature"], tags: [tag] });
      const message = new Uint8Array(32).fill(1);
      await expect(user.keys.sign(id, { mode: "ECDSA", message })).rejects.toMatchObject({ code: "forbidden" });
      expect([await admin.users.addTag(operator.user, tag), await admin.users.addTag(operator.user, tag)]).toEqual([
        true,
        false,
      ]);
      expect(await user.users.tags(operator.user)).toEqual([tag]);
      expect((await user.keys.sign(id, { mode: "ECDSA", message })).length).toBeGreaterThan(60);
      await admin.users.removeTag(operator.user, tag);
    });

    test("many at a time", async () => {
      const id = await keep({ type: "Curve25519", mechanisms: ["EdDSA_Signature"] });
      const key = createPublicKey(await user.keys.publicPem(id));
      const one = async (i: number) => {
        const message = Buffer.from(String(i));
        return verify(null, message, key, await user.keys.sign(id, { mode: "EdDSA", message }));
      };
      expect(await Promise.all(Array.from({ length: 40 }, (_, i) => one(i)))).toEqual(Array(40).fill(true));
      expect((await admin.keys.get(id)).operations).toBe(40);
      expect((await user.random(32)).length).toBe(32);
    });

    test("names what is refused", async () => {
      const nobody = parseUserId(`${prefix}nobody`);
      await expect(admin.users.get(nobody)).rejects.toMatchObject({ code: "not-found", status: 404 });
      await expect(
        admin.users.create(operator.user, { realName: "", role: "Backup", passphrase }),
      ).rejects.toMatchObject({
        code: "conflict",
      });
      await expect(user.users.list()).rejects.toMatchObject({ code: "forbidden" });
      await expect(admin.unlock(passphrase)).rejects.toMatchObject({ code: "wrong-state" });
      const stranger = admin.as({ user: nobody, passphrase });
      await expect(stranger.users.list()).rejects.toMatchObject({ code: "unauthorized" });
      await expect(stranger.users.list()).rejects.toMatchObject({ code: "too-many-requests" });
      if (!since("3.0"))
        await expect(admin.keys.listByPrefix(parseKeyId("x"))).rejects.toMatchObject({ code: "bad-request" });
    });

    test("of our own: backup, restore, lock, new TLS key", async (context) => {
      const { unlockPassphrase, connection } = target;
      if (unlockPassphrase === undefined) return context.skip("a device of others is not locked or restored");
      const backup = { user: parseUserId(`${prefix}backup`), passphrase };
      await admin.users.create(backup.user, { realName: "backup", role: "Backup", passphrase });
      await admin.config.setBackupPassphrase({ next: backupPassphrase });
      const before = await admin.keys.list();
      const chunks: Uint8Array[] = [];
      for await (const chunk of await admin.as(backup).system.backup()) chunks.push(chunk);
      const validation = await validateBackup(chunks, { backup: backupPassphrase, unlock: unlockPassphrase });
      expect([validation.version, validation.depth]).toEqual([since("4.0") ? 1 : 0, "values"]);
      await keep({ type: "EC_P256", mechanisms: ["ECDSA_Signature"] });
      await admin.system.restore({ backup: { chunks }, backupPassphrase });
      expect([await admin.health.state(), await admin.keys.list()]).toEqual(["Operational", before]);
      await admin.lock();
      expect(await admin.health.state()).toBe("Locked");
      await admin.unlock(unlockPassphrase);
      const old = await shownPin(connection.url);
      await admin.config.tls.generate("EC_P384");
      const now = await shownPin(connection.url);
      expect(now).not.toBe(old);
      using pinned = new NetHsm({ url: connection.url, tls: { mode: "pinned", sha256: [old, now] } });
      expect(await pinned.health.ready()).toBe(true);
      using outdated = new NetHsm({ url: connection.url, tls: { mode: "pinned", sha256: [old] } });
      await expect(outdated.health.ready()).rejects.toMatchObject({ code: "tls-pin-mismatch" });
    });
  });
}
