/** `nethsm user`: Administrators manage the users of their own namespace. */
import type { Argument, Command } from "@signstar/command/spec";
import { parseTag, parseUserId } from "@signstar/nethsm/ids";
import { roles } from "@signstar/nethsm/types";
import { line, lines, record } from "./answer.ts";
import { admin } from "./common.ts";
import { deviceTask, passphraseOption, type Work } from "./task.ts";
import { choose } from "./words.ts";

const nameArgument: Argument = {
  name: "NAME",
  description: "name of the user, NAMESPACE~NAME in a namespace",
  env: "NETHSM_USER_NAME",
};
const tagArgument: Argument = { name: "TAG", description: "tag of keys", env: "NETHSM_USER_TAG" };
const passphraseFile = passphraseOption(
  "passphrase-file",
  "p",
  "NETHSM_PASSPHRASE_FILE",
  "user's passphrase, 10 to 200 bytes",
);

const userIn = ({ words }: Work) => parseUserId(words.text("NAME"));
const tagIn = ({ words }: Work) => parseTag(words.text("TAG"));

export const user: Command = {
  name: "user",
  summary: "users of a device",
  commands: [
    deviceTask({
      name: "add",
      summary: "make a user, print the name",
      roles: admin,
      arguments: [
        { name: "REAL_NAME", description: "name for people", env: "NETHSM_REAL_NAME" },
        {
          name: "ROLE",
          description: "what the user may do",
          optional: true,
          env: "NETHSM_USER_ROLE",
          choices: roles,
          default: "Operator",
        },
        { ...nameArgument, description: `${nameArgument.description}; else the device chooses`, optional: true },
      ],
      options: [passphraseFile],
      run: async (work, hsm) => {
        const name = work.words.optional("NAME");
        const id = name === undefined ? undefined : parseUserId(name);
        const created = {
          realName: work.words.text("REAL_NAME"),
          role: choose("ROLE", work.words.text("ROLE"), roles),
          passphrase: await work.newPassphrase("passphrase-file", `passphrase of ${name ?? "the new user"}`),
        };
        if (id !== undefined) await hsm.users.create(id, created);
        const made = id ?? (await hsm.users.createUnnamed(created));
        return line(made, { user: made });
      },
    }),
    deviceTask({
      name: "get",
      summary: "show a user: name, role and, of an Operator, tags",
      roles: admin,
      arguments: [nameArgument],
      run: async (work, hsm) => {
        const { realName, role } = await hsm.users.get(userIn(work));
        const tags = role === "Operator" ? await hsm.users.tags(userIn(work)) : undefined;
        return record({ user: userIn(work), realName, role, tags });
      },
    }),
    deviceTask({
      name: "list",
      summary: "list the users",
      roles: admin,
      run: async (_work, hsm) => lines(await hsm.users.list()),
    }),
    deviceTask({
      name: "passphrase",
      summary: "set a user's passphrase",
      roles: admin,
      arguments: [nameArgument],
      options: [passphraseFile],
      run: async (work, hsm) => {
        const passphrase = await work.newPassphrase("passphrase-file", `new passphrase of ${userIn(work)}`);
        await hsm.users.setPassphrase(userIn(work), passphrase);
      },
    }),
    deviceTask({
      name: "remove",
      summary: "remove a user",
      roles: admin,
      arguments: [nameArgument],
      run: (work, hsm) => hsm.users.delete(userIn(work)),
    }),
    deviceTask({
      name: "tag",
      summary: "let an Operator use the keys with a tag",
      roles: admin,
      arguments: [nameArgument, tagArgument],
      run: async (work, hsm) => {
        await hsm.users.addTag(userIn(work), tagIn(work));
      },
    }),
    deviceTask({
      name: "untag",
      summary: "take a tag from an Operator",
      roles: admin,
      arguments: [nameArgument, tagArgument],
      run: (work, hsm) => hsm.users.removeTag(userIn(work), tagIn(work)),
    }),
  ],
};
