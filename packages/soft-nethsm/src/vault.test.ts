import { Secret } from "@signstar/primitives/secret";
import { expect, test } from "vitest";
import { newUser } from "./auth.ts";
import { paths } from "./paths.ts";
import { freshBytes, keyLength, UnsealError } from "./seal.ts";
import { MemoryStorage } from "./storage.ts";
import { Vault } from "./vault.ts";

test.each([paths.user("ns~x"), paths.key("ns", "k"), paths.namespace("ns")])(
  "a record %s of somebody without the domain key is refused",
  (path) => {
    const domainKey = Secret.take(freshBytes(keyLength));
    const records = Vault.initial(domainKey, newUser("admin", "Administrator", "adminadmin"));
    expect([...new Vault(new MemoryStorage(records), domainKey).users.keys()]).toEqual(["admin"]);
    records.set(path, freshBytes(60));
    expect(() => new Vault(new MemoryStorage(records), domainKey)).toThrow(UnsealError);
  },
);
