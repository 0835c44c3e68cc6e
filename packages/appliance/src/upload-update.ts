import { readUpdateFile, UpdateFileError } from "@signstar/nethsm/update-file";
import { messageOf } from "@signstar/primitives/failure";
import { ApplianceError } from "./errors.ts";
import { uploadProgram } from "./upload.ts";

/** An update of the HSM's software, which share holders decide to install. The device checks its signature. */
export const uploadUpdate = uploadProgram({
  name: "signstar-upload-update",
  kind: "update-upload",
  what: "update",
  suffix: ".update",
  directory: ({ staging }) => staging.update,
  limit: ({ appliance }) => appliance.uploadLimitUpdate,
  async check(pieces) {
    try {
      const { version } = await readUpdateFile(pieces);
      return { version };
    } catch (cause) {
      if (!(cause instanceof UpdateFileError)) throw cause;
      throw new ApplianceError("not-acceptable", `this is not a whole NetHSM update: ${messageOf(cause)}`, {
        cause,
        clientSafe: true,
      });
    }
  },
});
