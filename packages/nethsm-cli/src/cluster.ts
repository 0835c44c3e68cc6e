/** `nethsm cluster`: several devices on one database (release 4.0 and later). */
import type { Argument, Command } from "@signstar/command/spec";
import { type InitialMember, type Invitation, parseMemberId } from "@signstar/nethsm/cluster";
import { parseSystemWideUserId } from "@signstar/nethsm/ids";
import { limits } from "@signstar/primitives/limits";
import { table } from "./answer.ts";
import { admin } from "./common.ts";
import { CliError } from "./errors.ts";
import { readInput } from "./inputs.ts";
import { deviceTask, localTask, passphraseOption, type Work } from "./task.ts";

const idArgument: Argument = { name: "MEMBER_ID", description: "id of the member, hexadecimal" };
const urlsArgument: Argument = {
  name: "URL",
  description: "where the others reach it, as in https://192.0.2.1:2380",
  variadic: true,
};
const memberIn = ({ words }: Work) => parseMemberId(words.text("MEMBER_ID"));

export const cluster: Command = {
  name: "cluster",
  summary: "several devices on one database (release 4.0 and later)",
  commands: [
    deviceTask({
      name: "list",
      summary: "list the members",
      roles: admin,
      run: async (_work, hsm) =>
        table((await hsm.cluster.members()).map(({ id, name, urls, learner }) => ({ id, name, urls, learner }))),
    }),
    deviceTask({
      name: "add",
      summary: "announce a device, print what it needs to join (JSON)",
      description: "The quorum counts it at once: of a single device nothing works until the second has joined.",
      roles: admin,
      arguments: [urlsArgument],
      output: { env: "NETHSM_CLUSTER_INVITATION_OUTPUT_FILE" },
      run: async ({ words }, hsm) => {
        const { members, joinerKit } = await hsm.cluster.addMember(words.list("URL"));
        const json = { members: members.map(({ name, urls }) => ({ name, urls })), joinerKit };
        return { json, payload: () => `${JSON.stringify(json)}\n` };
      },
    }),
    deviceTask({
      name: "update",
      summary: "set where a member is reached",
      roles: admin,
      arguments: [idArgument, urlsArgument],
      run: (work, hsm) => hsm.cluster.setMemberUrls(memberIn(work), work.words.list("URL")),
    }),
    deviceTask({
      name: "remove",
      summary: "remove a member for good; it must be reset afterwards",
      roles: admin,
      arguments: [idArgument],
      run: (work, hsm) => hsm.cluster.removeMember(memberIn(work)),
    }),
    deviceTask({
      name: "promote",
      summary: "let a learner vote (release 5.0 and later)",
      roles: admin,
      arguments: [idArgument],
      run: (work, hsm) => hsm.cluster.promote(memberIn(work)),
    }),
    deviceTask({
      name: "join",
      summary: "give up this device's data for those of a cluster; it ends Locked",
      roles: admin,
      arguments: [{ name: "INVITATION", description: "file that nethsm cluster add wrote" }],
      options: [
        passphraseOption(
          "backup-passphrase-file",
          "b",
          "NETHSM_BACKUP_PASSPHRASE_FILE",
          "backup passphrase of the device that invited",
        ),
      ],
      run: async (work, hsm) => {
        const invitation = readInvitation(
          await readInput(work.words.text("INVITATION"), limits.certificateBytes, work.io),
        );
        await hsm.cluster.join(invitation, await work.passphrase("backup-passphrase-file", "backup passphrase"));
      },
    }),
    localTask({
      name: "force-new",
      summary: "make a new cluster of this one Failed device alone (release 5.0 and later)",
      description: "Asks with the last unlock passphrase.",
      options: [passphraseOption("unlock-passphrase-file", "U", "NETHSM_UNLOCK_PASSPHRASE_FILE", "unlock passphrase")],
      run: async (work) => {
        const passphrase = await work.passphrase("unlock-passphrase-file", "unlock passphrase");
        const hsm = (await work.anonymous()).as({ user: parseSystemWideUserId("unlock"), passphrase });
        await hsm.cluster.forceNew();
      },
    }),
  ],
};

function readInvitation(file: Uint8Array): Invitation {
  try {
    const value: unknown = JSON.parse(Buffer.from(file).toString());
    if (isInvitation(value)) return value;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new CliError("not-a-key", "the file is not an invitation of nethsm cluster add");
}

function isInvitation(value: unknown): value is Invitation {
  if (typeof value !== "object" || value === null || !("members" in value) || !("joinerKit" in value)) return false;
  return typeof value.joinerKit === "string" && Array.isArray(value.members) && value.members.every(isMember);
}

function isMember(value: unknown): value is InitialMember {
  if (typeof value !== "object" || value === null || !("name" in value) || !("urls" in value)) return false;
  return (
    typeof value.name === "string" && Array.isArray(value.urls) && value.urls.every((url) => typeof url === "string")
  );
}
