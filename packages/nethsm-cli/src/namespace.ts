/** `nethsm namespace`: a system-wide Administrator makes them, their own Administrators fill them. */
import type { Argument, Command } from "@signstar/command/spec";
import { parseNamespaceId } from "@signstar/nethsm/ids";
import { lines } from "./answer.ts";
import { admin } from "./common.ts";
import { deviceTask } from "./task.ts";

const nameArgument: Argument = { name: "NAME", description: "name of the namespace", env: "NETHSM_NAMESPACE_NAME" };

export const namespace: Command = {
  name: "namespace",
  summary: "namespaces, each with keys and users of its own",
  commands: [
    deviceTask({
      name: "add",
      summary: "make a namespace",
      description:
        "Make its first Administrator, NAMESPACE~NAME, before: afterwards only Administrators of the namespace can " +
        "add users to it.",
      roles: admin,
      arguments: [nameArgument],
      run: ({ words }, hsm) => hsm.namespaces.create(parseNamespaceId(words.text("NAME"))),
    }),
    deviceTask({
      name: "list",
      summary: "list the namespaces",
      roles: admin,
      run: async (_work, hsm) => lines(await hsm.namespaces.list()),
    }),
    deviceTask({
      name: "remove",
      summary: "remove a namespace with all its keys; its users stay",
      roles: admin,
      arguments: [nameArgument],
      run: ({ words }, hsm) => hsm.namespaces.delete(parseNamespaceId(words.text("NAME"))),
    }),
  ],
};
